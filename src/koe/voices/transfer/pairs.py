"""Voices out of plain folders of recordings, zipped or not, in two shapes that may be mixed and nested:

    anna.wav, anna.txt                      a voice for each pair, named like its files
    bert/audio.wav, bert/reference.txt      a voice named like its folder

Whatever else lies there is left out and named.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

from koe.core.errors import MalformedInput
from koe.voices.transfer.arrival import Arrival, Origin, Parcel
from koe.voices.transfer.contents import AUDIO, Contents, suffix
from koe.voices.transfer.documents import read_text
from koe.voices.transfer.recordings import Recording, cloned


@dataclass(slots=True)
class _Folder:
    name: str
    """Empty where nobody named it."""

    audio: dict[str, str] = field(default_factory=dict)
    """Paths by what stands before the ending."""

    texts: dict[str, str] = field(default_factory=dict)
    """As `audio`."""


@dataclass(frozen=True, slots=True)
class _Pair:
    voice: str
    audio: str
    text: str


def read_recordings(contents: Contents, language: str | None = None) -> Parcel | None:
    """A voice for each recording with its transcript; None where there is no such thing.

    `language`: of all transcripts; None: detected for each. Raises MalformedInput, LimitExceeded.
    """
    pairs = [pair for folder in _folders(contents) for pair in _pairs(folder)]
    if not pairs:
        return None
    voices: list[Arrival] = []
    warnings: list[str] = []
    for pair in pairs:
        recording = Recording(pair.audio, contents.files[pair.audio], read_text(pair.text, contents.files[pair.text]))
        taken = [each.profile.id for each in voices]
        arrival, remarks = cloned(pair.voice, [recording], taken=taken, language=language)
        voices.append(arrival)
        warnings += remarks
    used = {path for pair in pairs for path in (pair.audio, pair.text)}
    alone = [path for path in contents.files if path not in used]
    warnings += (f"{path!r}: left out, it is no recording with its transcript" for path in [*alone, *contents.left_out])
    return Parcel(Origin.FOLDER, tuple(voices), tuple(warnings))


def _folders(contents: Contents) -> list[_Folder]:
    folders: dict[str, _Folder] = {}
    for path in sorted(contents.files):
        parent, _, file = path.rpartition("/")
        folder = folders.setdefault(parent, _Folder(parent.rpartition("/")[2] or contents.name))
        if suffix(path) in AUDIO:
            _put(folder.audio, file, path)
        elif suffix(path) == ".txt":
            _put(folder.texts, file, path)
    return list(folders.values())


def _put(files: dict[str, str], file: str, path: str) -> None:
    stem = file.rpartition(".")[0]
    if stem in files:
        raise MalformedInput(f"{files[stem]!r} and {path!r} would be one voice: leave one of them out")
    files[stem] = path


def _pairs(folder: _Folder) -> Iterator[_Pair]:
    audio, texts = folder.audio, folder.texts
    if "audio" in audio and "reference" in texts:
        yield _Pair(folder.name or "voice", audio["audio"], texts["reference"])
    for stem in sorted(audio.keys() & texts.keys()):
        yield _Pair(stem, audio[stem], texts[stem])
