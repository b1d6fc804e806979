"""What it is that somebody wants to import."""

from pathlib import Path
from typing import BinaryIO

from koe.core.errors import MalformedInput
from koe.voices.transfer import manifest as manifests
from koe.voices.transfer.archive import read_zip
from koe.voices.transfer.arrival import Parcel
from koe.voices.transfer.contents import Contents
from koe.voices.transfer.documents import read_json
from koe.voices.transfer.folder import read_folder
from koe.voices.transfer.own import read_own
from koe.voices.transfer.pairs import read_recordings
from koe.voices.transfer.recordings import canonical_or_none
from koe.voices.transfer.voicebox import is_voicebox, read_voicebox

UNDERSTOOD = (
    "Koe imports zips that Koe or voicebox exported, and folders (or zips of them) with pairs like anna.wav and "
    "anna.txt, or with audio.wav and reference.txt"
)


def read_import(source: Path | bytes | BinaryIO, *, language: str | None = None, name: str = "") -> Parcel:
    """The voices in a zip or a folder, checked as a whole; touches no store. Blocks; to be called in a thread.

    `language`: a tag, of recordings that come without one; None: that of their transcripts. `name`: of the zip or
    folder, for a voice that has none of its own; where empty, the path's. Raises MalformedInput, LimitExceeded,
    UnsupportedAbility that name the file in question; OSError for a path that can't be read.
    """
    language = canonical_or_none(language)
    contents = _contents(source, name)
    if manifests.PATH in contents.files:
        manifest = read_json(manifests.PATH, contents.files[manifests.PATH])
        if manifests.is_ours(manifest):
            return read_own(contents, manifest)
        if is_voicebox(manifest):
            return read_voicebox(contents, manifest, language)
        raise MalformedInput(f"{manifests.PATH!r} is neither Koe's nor voicebox's. {UNDERSTOOD}")
    if parcel := read_recordings(contents, language):
        return parcel
    raise MalformedInput(f"there is no voice in it. {UNDERSTOOD}")


def _contents(source: Path | bytes | BinaryIO, name: str) -> Contents:
    if isinstance(source, Path) and source.is_dir():
        return read_folder(source, name)
    if isinstance(source, Path) and not source.is_file():
        raise MalformedInput(f"there is no file or folder {str(source)!r}")
    return read_zip(source, name)
