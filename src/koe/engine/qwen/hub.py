"""The Hugging Face hub: what a repository holds at a revision, and one file of it. Its failures in Koe's words."""

import errno
import io
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from koe.core.errors import EngineUnavailable, RequestError

_ENDPOINT = "https://huggingface.co"
_SUFFIXES = {".json", ".txt", ".safetensors"}
_FOLDERS = {".", "speech_tokenizer"}
_WORDS = (
    (("nameresolution", "gaierror", "failed to resolve", "name or service not known"), "no such host, or no network"),
    (("refused",), "connection refused"),
    (("unreachable",), "the network can't be reached"),
    (("certificate",), "its certificate isn't trusted"),
    (("timed out", "timeout"), "timed out"),
    (("reset by peer", "incompleteread", "aborted", "remotedisconnected", "broken", "consistency check"), "cut off"),
)
_ATTEMPTS = 4
"""That bring nothing, before it is given up."""

Check = Callable[[], None]
"""What it raises ends a download."""


def go_on() -> None:
    pass


@dataclass(frozen=True, slots=True)
class RemoteFile:
    name: str
    """Its path in the repository, with forward slashes."""

    size: int

    sha256: str | None
    """Of large files; None for small ones."""

    git_sha1: str | None
    """Of small files, as git names them."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What of a repository makes up a checkpoint, at one commit."""

    repo: str

    commit: str

    files: tuple[RemoteFile, ...]

    @property
    def bytes(self) -> int:
        return sum(file.size for file in self.files)


class Hub:
    """Downloads; HF_ENDPOINT and HF_TOKEN are respected. Every failure is an EngineUnavailable with a remedy."""

    def __init__(self, endpoint: str | None = None, *, pause: float = 1.0) -> None:
        """`pause`: seconds before another attempt."""
        self.endpoint = (endpoint or os.environ.get("HF_ENDPOINT") or _ENDPOINT).rstrip("/")
        self._pause = pause

    def snapshot(self, repo: str, revision: str) -> Snapshot:
        """Of what can be computed with: safetensors, the configuration, the tokenizer. Nothing that can be run."""
        from huggingface_hub import HfApi

        with self._told(repo, revision):
            info = HfApi(self.endpoint).model_info(repo, revision=revision, files_metadata=True)
        found = [
            RemoteFile(each.rfilename, each.size or 0, each.lfs.sha256 if each.lfs else None, each.blob_id)
            for each in info.siblings or ()
            if _wanted(each.rfilename)
        ]
        names = {PurePosixPath(file.name) for file in found}
        if not info.sha or PurePosixPath("config.json") not in names or ".safetensors" not in {n.suffix for n in names}:
            raise EngineUnavailable(f"{repo} holds no checkpoint with safetensors files")
        return Snapshot(repo, info.sha, tuple(sorted(found, key=lambda file: (file.size, file.name))))

    def fetch(self, snapshot: Snapshot, file: RemoteFile, folder: Path, check: Check = go_on) -> None:
        """Put it into the folder; goes on where an earlier attempt stopped, by itself after a cut connection.

        `check` is called before each attempt and each piece.
        """
        # A revision that differs doesn't go on with what came of another.
        partial = folder / f"{file.name}.{file.sha256 or file.git_sha1 or snapshot.commit}.part"
        partial.parent.mkdir(parents=True, exist_ok=True)
        fruitless, before = 0, _size(partial)
        while True:
            check()
            try:
                with self._told(snapshot.repo, snapshot.commit):
                    self._fetch(snapshot, file, partial, check)
                break
            except _Interrupted:
                now = _size(partial)
                fruitless, before = 0 if now > before else fruitless + 1, now
                if fruitless == _ATTEMPTS:
                    raise
                time.sleep(self._pause)
        partial.replace(folder / file.name)

    def _fetch(self, snapshot: Snapshot, file: RemoteFile, partial: Path, check: Check) -> None:
        # Not hf_hub_download: it can't be told to stop, and what it uses for large files begins them anew each time.
        from huggingface_hub import hf_hub_url
        from huggingface_hub.file_download import http_get
        from huggingface_hub.utils import build_hf_headers  # type: ignore[attr-defined]  # a public function of it

        url = hf_hub_url(snapshot.repo, file.name, revision=snapshot.commit, endpoint=self.endpoint)
        if _size(partial) > file.size:
            partial.unlink()
        with _Checked(partial, check) as out:
            http_get(
                url,
                out,
                resume_size=_size(partial),
                headers=build_hf_headers(),
                expected_size=file.size,
                displayed_filename=file.name,
            )

    @contextmanager
    def _told(self, repo: str, revision: str) -> Iterator[None]:
        from huggingface_hub import errors

        try:
            yield
        except errors.HFValidationError as error:
            raise RequestError(f"{repo!r} is no repository's name: {error}") from error
        except errors.GatedRepoError as error:
            remedy = f"accept its conditions at {self.endpoint}/{repo}, then sign in with: hf auth login"
            raise EngineUnavailable(f"{repo} isn't open to everybody; {remedy}") from error
        except errors.RepositoryNotFoundError as error:
            raise EngineUnavailable(f"there is no repository {repo} at {self.endpoint}") from error
        except errors.RevisionNotFoundError as error:
            raise NoSuchRevision(f"{repo} has no revision {revision}") from error
        except errors.EntryNotFoundError as error:
            raise EngineUnavailable(f"{repo} lacks a file that it lists: {_first_line(error)}") from error
        except errors.OfflineModeIsEnabled as error:
            raise EngineUnavailable("HF_HUB_OFFLINE is set, so nothing is downloaded; unset it") from error
        except errors.HfHubHTTPError as error:
            raise EngineUnavailable(f"{self.endpoint} refuses: {_first_line(error)}") from error
        except (OSError, RuntimeError) as error:
            if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
                raise EngineUnavailable("the disk is full; make room and give the command again") from error
            raise _Interrupted(self._unreachable(error)) from error

    def _unreachable(self, error: BaseException) -> str:
        remedy = "is there a connection? The same command goes on where this one stopped"
        return f"can't download from {self.endpoint} ({_in_words(error)}); {remedy}"


class NoSuchRevision(EngineUnavailable):
    """The repository is there."""


class _Interrupted(EngineUnavailable):
    """May go better the next time."""


class _Checked(io.BufferedWriter):
    """A file that is added to as long as that is wished."""

    def __init__(self, path: Path, check: Check) -> None:
        super().__init__(io.FileIO(path, "ab"))
        self._check = check

    def write(self, data: Any) -> int:
        self._check()
        return super().write(data)


def _wanted(name: str) -> bool:
    path = PurePosixPath(name)
    safe = "\\" not in name and ":" not in name and not path.name.startswith(".")
    return safe and path.suffix in _SUFFIXES and str(path.parent) in _FOLDERS and path.name != "koe.json"


def _size(file: Path) -> int:
    return file.stat().st_size if file.exists() else 0


def _in_words(error: BaseException) -> str:
    """What went wrong, of what libraries have wrapped several times."""
    chain: list[BaseException] = [error]
    while (inner := chain[-1].__cause__ or chain[-1].__context__) and inner not in chain:
        chain.append(inner)
    told = " ".join(f"{type(each).__name__} {each}" for each in chain).lower()
    return next((words for signs, words in _WORDS if any(sign in told for sign in signs)), _first_line(error))


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
