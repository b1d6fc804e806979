"""The voices that users made, on disk.

    <data_dir>/voices/
      .lock                     held by whoever changes something
      profiles/<id>.json        a voice: with it, the voice is there, without it, it isn't
      refs/<id>/<digest>.wav    what it is made of; written before the profile, removed after it

A crash between any two steps leaves the old voice or the new one, and at most clips that nothing names: `sweep`.
"""

import contextlib
import difflib
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from filelock import FileLock, Timeout

from koe import disk
from koe.core.errors import Busy, KoeError, MalformedInput, RequestError, UnknownVoice
from koe.core.profile import Clip, Profile, Reference
from koe.voices import clips as clip_files
from koe.voices import files
from koe.voices.clips import ClipFiles
from koe.voices.folder import ENDING, BrokenVoice, ProfileFolder
from koe.voices.ids import check_id, is_id
from koe.voices.presets import read_presets
from koe.voices.watch import Watched

__all__ = ["BrokenVoice", "VoiceStore"]

_POLL = 0.01
"""Seconds between looks at the lock: a change holds it for about as long."""


class VoiceStore:
    """Looking needs no lock and may be done from any thread, also while another process changes something. Changes
    wait for each other and for the disk: they belong in a thread."""

    def __init__(self, data_dir: Path, presets: Path | None = None, *, patience: float = 10.0) -> None:
        """Creates nothing. `presets`: a file that declares further voices. `patience`: seconds that a change waits for
        those of others."""
        self._root = data_dir / "voices"
        self._refs = self._root / "refs"
        self._folder = ProfileFolder(self._root / "profiles")
        self._presets_path, self._presets = presets, Watched(read_presets)
        self._clips = ClipFiles()
        self._patience = patience

    def profiles(self) -> tuple[Profile, ...]:
        """The voices of now by name, behind them the presets in their order."""
        return tuple(each for each in self._voices() if isinstance(each, Profile))

    def broken(self) -> tuple[BrokenVoice, ...]:
        """The files that can't be used as they are; the others work."""
        return tuple(each for each in self._voices() if isinstance(each, BrokenVoice))

    def get(self, voice_id: str) -> Profile:
        """Raises UnknownVoice that names the nearest, MalformedInput with the reason where its file is broken."""
        voices = self._voices()
        found = next((voice for voice in voices if voice.id == voice_id and voice_id), None)
        if isinstance(found, BrokenVoice):
            raise MalformedInput(f"the voice {voice_id} can't be used: {found.reason} ({found.path})")
        if found is None:
            raise _unknown(voice_id, [voice.id for voice in voices])
        return found

    def is_preset(self, voice_id: str) -> bool:
        """Whether it is declared in the presets' file, where alone it can be changed."""
        return any(voice.id == voice_id for voice in self._declared()) and self._folder.find(voice_id) is None

    def add(self, profile: Profile, clips: Sequence[bytes] = ()) -> Profile:
        """A new voice, as it is kept. `clips`: the bytes of the WAV of each reference, found by their sha256; `file` is
        named here.

        Raises MalformedInput that says what is wrong by name, RequestError where the id is taken, Busy, and KoeError
        where the disk fails.
        """
        given = clip_files.by_digest(clips)
        new = _named(profile, given, {})
        with self._changing():
            self._check_free(new.id)
            self._write(new, given)
        return new

    def replace(self, profile: Profile, clips: Sequence[bytes] = ()) -> Profile:
        """An edit, as it is kept: `created` stays, `changed` is now. `clips`: those whose sha256 the voice has no
        reference of yet.

        Raises UnknownVoice, and the same as `add`.
        """
        self._check_changeable(profile.id)
        given = clip_files.by_digest(clips)
        with self._changing():
            old = self._stored(profile.id)
            kept = {each.sha256: each.file for each in old.references}
            edited = replace(profile, created=old.created, changed=datetime.now(UTC))
            new = _named(edited, given, kept)
            self._write(new, given)
        return new

    def remove(self, voice_id: str) -> None:
        """Also a broken one, with its references. Raises UnknownVoice, RequestError for a preset, Busy, and KoeError
        where the disk fails."""
        self._check_changeable(voice_id)
        with self._changing():
            path = self._folder.find(voice_id)
            if path is None:
                raise self._not_stored(voice_id)
            disk.remove(path)
            self._tidy(voice_id)

    def reference_path(self, voice_id: str, reference: Reference) -> Path:
        """Where its file is, or would be. Raises MalformedInput for a name that leads elsewhere."""
        check_id(voice_id)
        if not files.is_file_name(reference.file):
            raise MalformedInput(f"{reference.file[:100]!r} is no name of a reference")
        return self._refs / voice_id / reference.file

    def clip(self, profile: Profile) -> Clip | None:
        """What an engine clones; None for a named voice. Reads the references only where they changed since the last
        time. Raises MalformedInput that names the file that is missing."""
        if not profile.references:
            return None
        paths = [self.reference_path(profile.id, each) for each in profile.references]
        return self._clips.clip(paths, [each.transcript for each in profile.references], profile.transcript)

    def sweep(self) -> int:
        """Remove what crashes left: references that no voice names, temporary files. How many files and folders."""
        if not self._root.is_dir():
            return 0
        with self._changing():
            folders = [path for path in _listed(self._refs) if is_id(path.name)]
            swept = sum(self._tidy(path.name) for path in folders)
            for folder in [self._root, self._folder.path, *folders]:
                swept += _sweep_temporary(folder)
        return swept

    def _voices(self) -> list[Profile | BrokenVoice]:
        """Of now, the folder's before the presets."""
        own = sorted(self._folder.voices(), key=_order)
        ids = {voice.id for voice in own}
        return [*own, *(self._beside(preset, ids) for preset in self._declared())]

    def _declared(self) -> list[Profile | BrokenVoice]:
        if self._presets_path is None:
            return []
        try:
            return list(self._presets.get(self._presets_path))
        except FileNotFoundError:
            return []
        except KoeError as error:
            return [BrokenVoice("", self._presets_path, error.message)]
        except OSError as error:
            return [BrokenVoice("", self._presets_path, f"it can't be read: {error.strerror or error}")]

    def _beside(self, preset: Profile | BrokenVoice, ids: set[str]) -> Profile | BrokenVoice:
        if preset.id not in ids or self._presets_path is None:
            return preset
        return BrokenVoice(
            preset.id,
            self._presets_path,
            f"{self._folder.path / (preset.id + ENDING)} has the same id and is used instead: give one another id",
        )

    def _check_free(self, voice_id: str) -> None:
        if self._folder.find(voice_id) is not None:
            raise RequestError(f"there is a voice {voice_id} already: choose another id, or edit that one")
        if voice_id in [each.id for each in self._declared()]:
            raise RequestError(f"there is a voice {voice_id} already, in {self._presets_path}: choose another id")

    def _check_changeable(self, voice_id: str) -> None:
        """Before anything is created; raises what `_not_stored` says."""
        with self._told():
            if self._folder.find(voice_id) is None:
                raise self._not_stored(voice_id)

    def _not_stored(self, voice_id: str) -> RequestError:
        if voice_id and voice_id in [each.id for each in self._declared()]:
            return RequestError(f"the voice {voice_id} is declared in {self._presets_path}: change it there")
        return _unknown(voice_id, [voice.id for voice in self._voices()])

    def _stored(self, voice_id: str) -> Profile:
        found = self._folder.voice(voice_id)
        if found is None:
            raise self._not_stored(voice_id)
        if isinstance(found, BrokenVoice):
            raise MalformedInput(f"the voice {voice_id} can't be edited: {found.reason} ({found.path})")
        return found

    def _write(self, profile: Profile, clips: dict[str, bytes]) -> None:
        folder = disk.own_folder(self._folder.path)
        refs = self._refs / profile.id
        if clips:
            disk.own_folder(self._refs)
            disk.own_folder(refs)
        try:
            for digest, clip in clips.items():
                disk.write(refs / clip_files.file_name(digest), clip)
            disk.write(folder / (profile.id + ENDING), files.to_json(profile))
        finally:
            # Whether it went well or not: what is on disk now says what is needed.
            with contextlib.suppress(OSError):
                self._tidy(profile.id)

    def _tidy(self, voice_id: str) -> int:
        """Remove the references that the voice, as it is on disk now, doesn't name; how many files and folders."""
        folder = self._refs / voice_id
        if self._refs.is_symlink() or not is_id(voice_id) or not (folder.is_symlink() or folder.is_dir()):
            return 0
        voice = self._folder.voice(voice_id)
        if voice is None:
            disk.remove_folder(folder)
            return 1
        # Nobody knows what a broken one names, and it may be mended.
        if isinstance(voice, BrokenVoice) or folder.is_symlink():
            return 0
        used = {each.file for each in voice.references}
        unused = [path for path in folder.glob("*.wav") if path.name not in used and not path.is_dir()]
        for path in unused:
            disk.remove(path)
        return len(unused) + disk.remove_empty(folder)

    @contextlib.contextmanager
    def _changing(self) -> Iterator[None]:
        with self._told():
            self._root.mkdir(parents=True, exist_ok=True)
            lock = self._root / ".lock"
            try:
                with FileLock(str(lock)).acquire(timeout=self._patience, poll_interval=_POLL):
                    yield
            except Timeout:
                raise Busy(f"the voices are being changed by somebody else ({lock}): try again later") from None

    @contextlib.contextmanager
    def _told(self) -> Iterator[None]:
        """A disk that is full or can't be written to, in words."""
        try:
            yield
        except OSError as error:
            where = error.filename or self._root
            raise KoeError(f"the voices can't be changed: {where}: {error.strerror or error}") from error


def _named(profile: Profile, clips: dict[str, bytes], kept: dict[str, str]) -> Profile:
    check_id(profile.id)
    return files.checked(replace(profile, references=clip_files.named(profile.references, clips, kept)))


def _order(voice: Profile | BrokenVoice) -> tuple[str, str]:
    return (voice.name if isinstance(voice, Profile) else voice.id).casefold(), voice.id


def _unknown(voice_id: str, known: Sequence[str]) -> UnknownVoice:
    # Cut, because the search takes long where the word is long.
    shown = voice_id[:100]
    near = difflib.get_close_matches(shown, [each for each in known if each], n=3, cutoff=0.5)
    hint = f"; the nearest are {', '.join(near)}" if near else ""
    return UnknownVoice(f"there is no voice {shown!r} that was made here{hint}")


def _listed(folder: Path) -> list[Path]:
    return list(folder.iterdir()) if folder.is_dir() and not folder.is_symlink() else []


def _sweep_temporary(folder: Path) -> int:
    abandoned = [path for path in _listed(folder) if disk.is_abandoned(path)]
    for path in abandoned:
        disk.remove(path)
    return len(abandoned)
