"""A checkpoint from the hub into the folder `models`: resumable, checked, and only whole under its name."""

import os
import shutil
from collections.abc import Callable, Iterable
from importlib.util import find_spec
from pathlib import Path

from koe.core.errors import EngineUnavailable, RequestError
from koe.core.installation import command, install
from koe.engine.qwen.checkpoints import read
from koe.engine.qwen.hub import Check, Hub, NoSuchRevision, RemoteFile, Snapshot, go_on
from koe.engine.qwen.manifest import (
    FILE,
    FileRecord,
    Manifest,
    git_sha1,
    read_manifest,
    sha256,
    write_manifest,
    wrong_files,
)
from koe.engine.qwen.published import DOWNLOAD, published
from koe.engine.qwen.store import Store

_GB = 1e9
SPARE = 200_000_000
"""Bytes that a download leaves free, for everybody else on that disk."""

Tell = Callable[[str], None]


def download(
    name: str,
    store: Store,
    hub: Hub,
    *,
    revision: str | None = None,
    tell: Tell,
    check: Check = go_on,
    spare: int = SPARE,
) -> Path:
    """A published checkpoint or a repository (`owner/name`); the folder. What is already there isn't fetched again.

    `revision`: a commit, tag or branch; None: the pinned one, else the newest. `check` is called all along: what it
    raises ends the download. Raises EngineUnavailable with the remedy; what was fetched until then is kept, and the
    next download goes on there.
    """
    repo, folder_name = source(name)
    need_hub()
    snapshot = _snapshot(repo, folder_name, revision, store, hub)
    if _is_here(store.path(folder_name), snapshot):
        tell(f"{folder_name} is already here, at revision {snapshot.commit[:12]}.")
        return store.path(folder_name)
    with store.locked(folder_name):
        unfinished = store.unfinished(folder_name)
        _make_room(snapshot, store, unfinished, spare)
        store.note(folder_name, repo, snapshot.bytes)
        tell(f"Downloading {folder_name} at revision {snapshot.commit[:12]}: {snapshot.bytes / _GB:.1f} GB.")
        records = {file.name: _get(file, snapshot, store, hub, unfinished, check) for file in snapshot.files}
        _clear_others(unfinished, records)
        write_manifest(unfinished, Manifest(repo=repo, revision=snapshot.commit, files=records))
        if problem := _problem(unfinished):
            raise EngineUnavailable(f"{repo} can't be used: {problem}")
        return store.finish(folder_name)


def need_hub() -> None:
    """Raises EngineUnavailable where nothing can be downloaded with."""
    if find_spec("huggingface_hub") is None:
        raise EngineUnavailable(f"downloading needs the extra qwen; install it with: {install('qwen')}")


def source(name: str) -> tuple[str, str]:
    """The repository and the folder's name. Raises RequestError for what is neither published nor `owner/name`."""
    if known := published(name):
        return known.repo, known.name
    owner, slash, short = name.partition("/")
    if not (owner and slash and short) or "/" in short:
        hint = f"see {command('models list')}, or name a repository as owner/name"
        raise RequestError(f"there is no published checkpoint {name!r}; {hint}")
    return name, short


def _snapshot(repo: str, folder_name: str, revision: str | None, store: Store, hub: Hub) -> Snapshot:
    pinned = None if revision else store.pin(folder_name)
    try:
        return hub.snapshot(repo, revision or pinned or "main")
    except NoSuchRevision as error:
        if pinned is None:
            raise
        remedy = f"pin it to another, or to none with: {command(f'models pin {folder_name} --off')}"
        raise EngineUnavailable(f"{error.message}, to which {folder_name} is pinned; {remedy}") from error


def _is_here(folder: Path, snapshot: Snapshot) -> bool:
    """RequestError where something else has that name."""
    if not folder.exists():
        return False
    try:
        manifest = read_manifest(folder)
    except ValueError:
        return False
    if manifest is None:
        raise RequestError(f"{folder} is there already and not from a download; rename it or remove it first")
    if manifest.repo != snapshot.repo:
        raise RequestError(f"{folder} holds {manifest.repo}; rename it or remove it first")
    return manifest.revision == snapshot.commit and _problem(folder) is None and not any(wrong_files(folder))


def _problem(folder: Path) -> str | None:
    checkpoint = read(folder)
    return checkpoint.problem if checkpoint else "it is no checkpoint of Qwen3-TTS"


def _make_room(snapshot: Snapshot, store: Store, unfinished: Path, spare: int) -> None:
    there = sum(file.stat().st_size for file in unfinished.rglob("*") if file.is_file())
    needed, free = snapshot.bytes - there + spare, store.free()
    if needed > free:
        found = f"{max(needed, 0) / _GB:.1f} GB are needed in {store.folder}, {free / _GB:.1f} are free"
        raise EngineUnavailable(f"not enough disk for {snapshot.repo}: {found}; make room, or use another --data-dir")
    unfinished.mkdir(parents=True, exist_ok=True)


def _get(file: RemoteFile, snapshot: Snapshot, store: Store, hub: Hub, folder: Path, check: Check) -> FileRecord:
    """Fetch it, where it isn't here yet, or take it from another checkpoint: they all carry the same codec."""
    check()
    target = folder / file.name
    if not target.exists() and (twin := _twin(file, store)):
        target.parent.mkdir(parents=True, exist_ok=True)
        _link_or_copy(twin, target)
    if target.exists() and (record := _record(file, target)):
        return record
    hub.fetch(snapshot, file, folder, check)
    if record := _record(file, target):
        return record
    reason = f"{file.name} is not what the hub says it is"
    raise EngineUnavailable(f"{snapshot.repo}: {reason}; get it again with {DOWNLOAD} {snapshot.repo}")


def _twin(file: RemoteFile, store: Store) -> Path | None:
    """A file with the same content in another downloaded checkpoint."""
    if file.sha256 is None:
        return None
    for path in store.folder.glob(f"[!.]*/{FILE}"):
        manifest = _manifest_or_none(path.parent)
        for name, record in manifest.files.items() if manifest else ():
            twin = path.parent / name
            if record.sha256 == file.sha256 and twin.is_file() and twin.stat().st_size == file.size:
                return twin
    return None


def _manifest_or_none(folder: Path) -> Manifest | None:
    try:
        return read_manifest(folder)
    except ValueError:
        return None


def _link_or_copy(twin: Path, target: Path) -> None:
    try:
        os.link(twin, target)
    except OSError:
        shutil.copyfile(twin, target)


def _record(file: RemoteFile, target: Path) -> FileRecord | None:
    """None where the content is wrong; away with it then, or the next download would believe that it is there."""
    record = FileRecord(size=target.stat().st_size, sha256=sha256(target))
    expected, found = (file.sha256, record.sha256) if file.sha256 else (file.git_sha1, git_sha1(target))
    if record.size == file.size and expected in (found, None):
        return record
    target.unlink()
    return None


def _clear_others(folder: Path, names: Iterable[str]) -> None:
    """Notes, and files of an earlier revision."""
    keep = {folder / name for name in names}
    for file in folder.rglob("*"):
        if file.is_file() and file not in keep:
            file.unlink()
    shutil.rmtree(folder / ".cache", ignore_errors=True)
