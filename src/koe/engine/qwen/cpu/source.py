"""A checkpoint's weights by name, mapped from their files: only what is looked at comes into memory."""

from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from safetensors import safe_open
from torch import Tensor


class MappedWeights:
    """A Source; its files stay open while it is used as a context manager."""

    def __init__(self, files: Sequence[Path]) -> None:
        self._files, self._opened = files, ExitStack()
        self._places: dict[str, Any] = {}

    def __enter__(self) -> Self:
        for file in self._files:
            opened = self._opened.enter_context(safe_open(file, framework="pt"))
            self._places |= dict.fromkeys(opened.keys(), opened)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._opened.close()

    def __call__(self, name: str) -> Tensor | None:
        place = self._places.get(name)
        tensor: Tensor | None = None if place is None else place.get_tensor(name)
        return tensor
