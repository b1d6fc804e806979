"""What a safetensors file says of itself, without loading it."""

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_MAX_HEADER = 100 * 1024 * 1024
"""As the format itself allows."""

_COMPUTABLE = {"F64", "F32", "F16", "BF16", "I64", "I32", "BOOL"}
_WHOLE_NUMBERS = {"I64", "I32", "BOOL"}
"""May count and mark, but not be weights."""

_PICKLED = ("*.bin", "*.pt", "*.pth", "*.ckpt", "*.pkl")
_SINGLE = "model.safetensors"
_INDEX = "model.safetensors.index.json"


@dataclass(frozen=True, slots=True)
class Weights:
    """The parameters of one model, in one file or in several shards."""

    files: tuple[Path, ...]

    parameters: int


def read_weights(folder: Path) -> Weights:
    """Raises ValueError that names the file and what is wrong with it; OSError where it can't be read."""
    files = weight_files(folder)
    return Weights(files, sum(_parameters(file) for file in files))


def weight_files(folder: Path) -> tuple[Path, ...]:
    """Without a look into them. Raises ValueError as read_weights."""
    return tuple(_files(folder))


def read_header(file: Path) -> tuple[dict[str, Any], int]:
    """What a safetensors file says of its tensors and of itself, and where the numbers start.

    Raises ValueError where it is none, OSError where it can't be read.
    """
    with file.open("rb") as opened:
        length = int.from_bytes(opened.read(8), "little")
        if length > min(_MAX_HEADER, file.stat().st_size):
            raise ValueError(f"{file} is damaged: it has no safetensors header")
        return _json(opened.read(length), file), 8 + length


def _files(folder: Path) -> Iterator[Path]:
    if (folder / _SINGLE).is_file():
        yield folder / _SINGLE
    elif (folder / _INDEX).is_file():
        yield from _shards(folder)
    elif pickled := next((file.name for pattern in _PICKLED for file in folder.glob(pattern)), None):
        raise ValueError(f"{folder / pickled} could run code while it is loaded; only .safetensors files are")
    else:
        raise ValueError(f"{folder / _SINGLE} is missing")


def _shards(folder: Path) -> Iterator[Path]:
    index = folder / _INDEX
    listed = _json(index.read_bytes(), index).get("weight_map")
    names = set(listed.values()) if isinstance(listed, Mapping) else set()
    if not names or not all(isinstance(name, str) and name == Path(name).name for name in names):
        raise ValueError(f"{index} lists no files")
    for name in sorted(names):
        if not name.endswith(".safetensors"):
            raise ValueError(f"{index} lists {name}; only .safetensors files are loaded")
        if not (folder / name).is_file():
            raise ValueError(f"{folder / name} is missing")
        yield folder / name


def _parameters(file: Path) -> int:
    """Checks as well that all the bytes are there that the header speaks of."""
    header, start = read_header(file)
    end = count = 0
    for name, tensor in header.items():
        if name == "__metadata__":
            continue
        try:
            kind, shape, last = tensor["dtype"], tensor["shape"], tensor["data_offsets"][1]
            count += math.prod(shape)
            end = max(end, last)
        except (TypeError, KeyError, IndexError):
            raise ValueError(f"{file} is damaged: its header makes no sense at {name!r}") from None
        if kind not in _COMPUTABLE or (kind in _WHOLE_NUMBERS and name.endswith(("weight", "bias"))):
            raise ValueError(f"{file} holds {kind} numbers, which Koe can't compute with; it takes float32 or bfloat16")
    size = file.stat().st_size
    if size != start + end:
        word = "incomplete" if size < start + end else "damaged"
        raise ValueError(f"{file} is {word}: {size} of {start + end} bytes")
    return count


def _json(text: bytes, file: Path) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except ValueError:
        raise ValueError(f"{file} is damaged: it can't be read as JSON") from None
    if not isinstance(value, dict):
        raise ValueError(f"{file} is damaged: it is no JSON object")
    return value
