"""Quantised graphs on disk: `models/.quantised/<checkpoint>-<precision>/`, made once from a checkpoint.

A note beside them says what they are of, and what each file must be: graphs of another version of Koe, of other
weights, cut short or altered are as good as none. Loads nothing heavy.
"""

import math
import secrets
import shutil
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from koe.core.errors import Busy, EngineUnavailable
from koe.engine.qwen.checkpoints import Checkpoint
from koe.engine.qwen.cpu.precision import BITS, Quantised, block_size
from koe.engine.qwen.manifest import FileRecord, sha256
from koe.engine.qwen.prompt_files import fingerprint
from koe.engine.qwen.weights import read_header, weight_files

VERSION = 5
"""To be raised when what is written changes: older graphs are then made anew."""

_NOTE = "koe.json"
_FOLDER = ".quantised"
_SCALE_BYTES, _CODEC_BYTES = 4, 4
_SPARE = 500 * 1024 * 1024
"""Bytes that stay free on the disk, also while the largest graph lies there a third time."""

_ABANDONED = 3600.0
"""Seconds after which nobody is still writing."""

_READERS = 2
"""Files at once: the largest is half of all."""

_GB = 1e9


class _Note(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    version: int
    precision: Quantised

    weights: str
    """The checkpoint's fingerprint."""
    files: dict[str, FileRecord]


@dataclass(frozen=True, slots=True)
class Graphs:
    """The place of a checkpoint's graphs of one precision."""

    checkpoint: Checkpoint
    precision: Quantised
    folder: Path

    def problem(self) -> str | None:
        """Why they can't be used, in words; None: they can. Reads all of them, which takes a second or two."""
        try:
            note = _Note.model_validate_json((self.folder / _NOTE).read_bytes())
        except FileNotFoundError:
            return "there are none yet"
        except (OSError, ValidationError):
            return f"{self.folder / _NOTE} is damaged"
        if note.version != VERSION or note.precision != self.precision:
            return "they were made by another version of Koe"
        if note.weights != fingerprint(self.checkpoint):
            return "they were made from other weights"
        with ThreadPoolExecutor(_READERS) as pool:
            problems = list(pool.map(self._problem, note.files.keys(), note.files.values()))
        return next((problem for problem in problems if problem is not None), None)

    @property
    def bytes(self) -> int:
        """On disk."""
        return sum(file.stat().st_size for file in self.folder.glob("*"))

    @property
    def memory(self) -> int:
        """Bytes of it that they take, the codec's aside, which replace those of its checkpoint."""
        return _weights(self.checkpoint, self.precision)

    @contextmanager
    def replacing(self) -> Iterator[Path]:
        """An empty folder that takes the graphs' place, and gets its note, once the block has ended well.

        Raises EngineUnavailable where the disk is too full, Busy where another program makes the same.
        """
        from filelock import FileLock, Timeout

        self.folder.parent.mkdir(parents=True, exist_ok=True)
        self._check_disk()
        lock = FileLock(self.folder.with_name(f".{self.folder.name}.lock"))
        try:
            lock.acquire(timeout=0)
        except Timeout:
            raise Busy(f"{self.checkpoint.name} is being quantised by another program") from None
        temporary = self.folder.with_name(f".{self.folder.name}.{secrets.token_hex(4)}.new")
        try:
            self._sweep()
            weights = fingerprint(self.checkpoint)
            temporary.mkdir()
            yield temporary
            self._finish(temporary, weights)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)
            lock.release()

    def _finish(self, temporary: Path, weights: str) -> None:
        files = {
            file.name: FileRecord(size=file.stat().st_size, sha256=sha256(file)) for file in sorted(temporary.iterdir())
        }
        note = _Note(version=VERSION, precision=self.precision, weights=weights, files=files)
        (temporary / _NOTE).write_text(note.model_dump_json(indent=2) + "\n", encoding="utf-8")
        if self.folder.exists():
            old = self.folder.with_name(f".{self.folder.name}.{secrets.token_hex(4)}.old")
            self.folder.rename(old)
            shutil.rmtree(old, ignore_errors=True)
        temporary.rename(self.folder)

    def _problem(self, name: str, record: FileRecord) -> str | None:
        file = self.folder / Path(name).name
        if not file.is_file():
            return f"{file} is missing"
        if file.stat().st_size != record.size:
            return f"{file} has {file.stat().st_size} bytes instead of {record.size}"
        return None if sha256(file) == record.sha256 else f"{file} is damaged"

    def _check_disk(self) -> None:
        needed, free = expected_bytes(self.checkpoint, self.precision), shutil.disk_usage(self.folder.parent).free
        if free < needed + _SPARE:
            raise EngineUnavailable(
                f"not enough room on the disk to quantise {self.checkpoint.name}: it takes {needed / _GB:.1f} GB, "
                f"{free / _GB:.1f} are free in {self.folder.parent}; make room, or set engine.qwen.precision to fp32"
            )

    def _sweep(self) -> None:
        """What a program left behind that was ended while it wrote."""
        for each in (*self.folder.parent.glob(".*.new"), *self.folder.parent.glob(".*.old")):
            if time.time() - each.stat().st_mtime > _ABANDONED:
                shutil.rmtree(each, ignore_errors=True)


def graphs(data_dir: Path, checkpoint: Checkpoint, precision: Quantised) -> Graphs:
    return Graphs(checkpoint, precision, data_dir / "models" / _FOLDER / f"{checkpoint.name}-{precision}")


def remove_graphs(data_dir: Path, name: str) -> None:
    """All of a checkpoint's, which goes as well."""
    for precision in BITS:
        shutil.rmtree(data_dir / "models" / _FOLDER / f"{name}-{precision}", ignore_errors=True)


def expected_bytes(checkpoint: Checkpoint, precision: Quantised) -> int:
    """At most, on the disk, where most lies twice (see packing)."""
    codec: int = sum(
        math.prod(tensor["shape"]) * _CODEC_BYTES
        for file in weight_files(checkpoint.codec_folder)
        for name, tensor in read_header(file)[0].items()
        if name.startswith("decoder.")
    )
    return 2 * (_weights(checkpoint, precision) + codec)


def _weights(checkpoint: Checkpoint, precision: Quantised) -> int:
    """Bytes of the talker's and the code predictor's: about."""
    bits = BITS[precision]
    parts = {"talker.model.layers.": bits.talker, "code_predictor.model.layers.": bits.predictor, "_head.": bits.heads}
    total = 0.0
    for file in weight_files(checkpoint.folder):
        for name, tensor in read_header(file)[0].items():
            if (kept := next((parts[part] for part in parts if part in name), None)) is not None:
                shape = tensor["shape"]
                total += math.prod(shape) * (kept / 8 + _SCALE_BYTES / block_size(shape[-1]))
    return int(total)
