"""What there is of checkpoints, on disk and to be had, and what can be done with those on disk.

`koe models` and the HTTP side tell and do the same, by this. Loads no torch.
"""

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from koe.core.errors import RequestError
from koe.core.installation import command
from koe.engine.qwen.checkpoints import Checkpoint, find, read
from koe.engine.qwen.cpu.files import Graphs, graphs, remove_graphs
from koe.engine.qwen.cpu.precision import Quantised
from koe.engine.qwen.download import source
from koe.engine.qwen.manifest import unrecorded_files, wrong_files
from koe.engine.qwen.published import PUBLISHED, Ability, Published, Size, published
from koe.engine.qwen.store import Store, Unfinished

_DOES = {
    Ability.NAMED: "named voices",
    Ability.DESIGN: "voices from a description",
    Ability.CLONE: "voices from a reference clip",
    Ability.CODEC: "codec alone",
}
_INCOMPLETE = "the download isn't complete"


class Presence(StrEnum):
    """What of a checkpoint is on disk."""

    HERE = "here"
    DAMAGED = "damaged"
    """`problem` says what is wrong."""

    INCOMPLETE = "incomplete"
    """A part of a download."""

    MISSING = "missing"
    """It can be downloaded."""


@dataclass(frozen=True, slots=True)
class Entry:
    name: str

    does: str
    """For people: what it is for."""

    size: Size | None
    bytes: int
    presence: Presence

    state: str
    """For people."""

    folder: Path | None = None
    revision: str | None = None
    pinned: str | None = None
    problem: str | None = None

    total: int | None = None
    """Bytes of the whole, where only a part is here."""

    @property
    def gigabytes(self) -> str:
        return gigabytes(self.bytes)


@dataclass(frozen=True, slots=True)
class Verdict:
    """How a checkpoint's files are."""

    wrong: tuple[str, ...]
    """What is, in words."""

    told: str
    """For people: in one sentence, with the remedy where something is wrong."""


class Catalogue:
    """Reads the disk at each call: others change it as well. All of it blocks."""

    def __init__(self, data_dir: Path) -> None:
        self._data_dir = data_dir
        self.store = Store(data_dir)

    def entries(self) -> list[Entry]:
        """Those that are here, then begun downloads, then what can be downloaded."""
        found, unfinished = self.found(), list(self.store.all_unfinished())
        known = {each.name for each in found} | {each.name for each in unfinished}
        return [
            *map(self._whole, found),
            *map(self._part, unfinished),
            *(_to_be_had(each) for each in PUBLISHED if each.name not in known),
        ]

    def entry(self, name: str) -> Entry:
        """By its name or the end of it. Raises NotHere."""
        wanted = _full(name)
        if entry := next((each for each in self.entries() if each.name.lower() == wanted), None):
            return entry
        raise NotHere(f"the checkpoint {name[:100]!r} is neither here nor published")

    def found(self) -> list[Checkpoint]:
        return find(self._data_dir)

    def checkpoint(self, name: str) -> Checkpoint:
        """By its name or the end of it. Raises RequestError where it isn't here, or isn't whole."""
        found, wanted = self.found(), _full(name)
        if checkpoint := next((each for each in found if each.name.lower() == wanted), None):
            return checkpoint
        if any(each.name.lower() == wanted for each in self.store.all_unfinished()):
            remedy = f"{command(f'models download {name}')} goes on"
            raise RequestError(f"the download of {name} isn't complete; {remedy}")
        here = ", ".join(each.name for each in found) or "none"
        raise NotHere(f"the checkpoint {name!r} isn't here; here are: {here}")

    def part(self, name: str) -> Unfinished | None:
        """What of its download is here, where no whole one is."""
        wanted = _full(name)
        if any(each.name.lower() == wanted and each.origin == "models" for each in self.found()):
            return None
        return next((each for each in self.store.all_unfinished() if each.name.lower() == wanted), None)

    def removable(self, name: str) -> Checkpoint:
        """As `checkpoint`; raises RequestError for one that is somebody else's as well."""
        checkpoint = self.checkpoint(name)
        if checkpoint.origin == "cache":
            folder = checkpoint.folder
            raise RequestError(f"{checkpoint.name} belongs to the Hugging Face cache ({folder}); use: hf cache delete")
        return checkpoint

    def graphs(self, checkpoint: Checkpoint, precision: Quantised) -> Graphs:
        """The place of its quantised weights."""
        return graphs(self._data_dir, checkpoint, precision)

    def remove(self, checkpoint: Checkpoint) -> None:
        """With its quantised weights."""
        self.store.remove(checkpoint.folder.name)
        remove_graphs(self._data_dir, checkpoint.name)

    def remove_part(self, part: Unfinished) -> None:
        """Raises Busy where somebody is at it."""
        with self.store.locked(part.name):
            self.store.remove(part.name)

    def pin(self, name: str, revision: str | None) -> tuple[str, str]:
        """Keep downloads to a revision, None: to the one that is here; the full name and the revision."""
        full_name = self._downloadable(name)
        chosen = revision or self._revision_here(full_name)
        self.store.set_pin(full_name, chosen)
        return full_name, chosen

    def unpin(self, name: str) -> str:
        """The full name."""
        full_name = self._downloadable(name)
        self.store.set_pin(full_name, None)
        return full_name

    def _downloadable(self, name: str) -> str:
        """The folder's name of what is here, published, or a repository."""
        here = next((each.name for each in self.found() if each.name.lower() == _full(name)), None)
        return here or source(name)[1]

    def _revision_here(self, name: str) -> str:
        manifest = self.checkpoint(name).manifest
        if manifest is None:
            raise RequestError(f"{name} wasn't downloaded by Koe; say which revision to pin it to")
        return manifest.revision

    def _whole(self, each: Checkpoint) -> Entry:
        pinned = self.store.pin(each.folder.name) if each.origin == "models" else None
        return Entry(
            name=each.name,
            does=_does(each),
            size=each.size,
            bytes=each.bytes,
            presence=Presence.DAMAGED if each.problem else Presence.HERE,
            state=_state(each, pinned),
            folder=each.folder,
            revision=each.manifest.revision if each.manifest else None,
            pinned=pinned,
            problem=each.problem,
        )

    def _part(self, each: Unfinished) -> Entry:
        """Also of what is here as well, where that is being replaced."""
        begun, known = read(each.folder), published(each.name)
        total = each.total or (known.bytes if known else None)
        of = f" of {gigabytes(total)}" if total else ""
        remedy = f"{command(f'models download {each.repo or each.name}')} goes on"
        return Entry(
            name=each.name,
            does=_does(begun) if begun and begun.told else _does(known) if known else "unknown",
            size=known.size if known else begun.size if begun else None,
            bytes=each.bytes,
            presence=Presence.INCOMPLETE,
            state=f"incomplete, {gigabytes(each.bytes)}{of} GB; {remedy}",
            folder=each.folder,
            pinned=self.store.pin(each.name),
            problem=_INCOMPLETE,
            total=total,
        )


class NotHere(RequestError):
    """There is nothing of that name on disk."""


def verify(checkpoint: Checkpoint) -> Verdict:
    """Read every file and compare it with what was published; takes seconds for each gigabyte."""
    wrong = (checkpoint.problem,) if checkpoint.problem else tuple(wrong_files(checkpoint.folder))
    if wrong:
        remedy = checkpoint.remedy.partition(", or ")[2]
        return Verdict(wrong, f"{remedy[:1].upper()}{remedy[1:]}.")
    unrecorded = unrecorded_files(checkpoint.folder)
    if not unrecorded:
        return Verdict((), f"{checkpoint.name}: every file is as it was published.")
    if checkpoint.manifest or checkpoint.origin == "cache":
        names = ", ".join(unrecorded)
        words = f"looks whole, but no checksum is on record for {names}; others are as published."
    else:
        words = "looks whole; Koe didn't download it, so there is nothing to compare it with."
    return Verdict((), f"{checkpoint.name}: {words}")


def gigabytes(size: int) -> str:
    return f"{size / 1e9:.1f}"


def _to_be_had(each: Published) -> Entry:
    return Entry(each.name, _does(each), each.size, each.bytes, Presence.MISSING, "can be downloaded")


def _does(each: Checkpoint | Published) -> str:
    if isinstance(each, Checkpoint) and not (each.told or each.size):
        return "unknown"
    return _DOES[each.ability] + (", styles" if each.instruct else "")


def _state(checkpoint: Checkpoint, pinned: str | None) -> str:
    if checkpoint.problem:
        cached = ", in the Hugging Face cache" if checkpoint.origin == "cache" else ""
        return f"can't be used{cached}: {checkpoint.problem}"
    place = "ready" if checkpoint.origin == "models" else "ready, in the Hugging Face cache"
    revision = f", revision {checkpoint.manifest.revision[:12]}" if checkpoint.manifest else ""
    return f"{place}{revision}{f', pinned to {pinned[:12]}' if pinned else ''}"


def _full(name: str) -> str:
    """Of a published one, whose end is enough; in small letters."""
    known = published(name)
    return (known.name if known else name).lower()
