"""The one door to the `qwen_tts` package, which takes seconds to import: only ever in the engine's thread."""

import importlib
import importlib.machinery
import sys
import threading
import types
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from koe.core.errors import EngineUnavailable
from koe.core.installation import install

_CODEC_25HZ = "qwen_tts.core.tokenizer_25hz.modeling_qwen3_tts_tokenizer_v1"

_importing = threading.Lock()


def import_qwen_tts() -> Any:
    """The module `qwen_tts`; it needs no torchaudio, sox or onnxruntime that works.

    Raises EngineUnavailable where it isn't installed. Takes 3 to 6 seconds and 360 MB the first time.
    """
    with _importing:
        _replace_25hz_codec()
        _hide_torchaudio()
        try:
            with _without("sklearn"), _without("scipy"), _librosa_later():
                return importlib.import_module("qwen_tts")  # has no types
        except ImportError as error:
            remedy = f"install it with: {install('qwen')}"
            raise EngineUnavailable(f"the qwen engine can't be imported ({error}); {remedy}") from error


@contextmanager
def _without(module: str) -> Iterator[None]:
    """As if it were not installed: transformers imports it for what nobody here uses, in a second and with 35 MB or
    more.

    Where transformers is there already, it has looked for it and relies on it.
    """
    modules: dict[str, types.ModuleType | None] = vars(sys)["modules"]
    if module in modules or "transformers" in modules:
        yield
        return
    modules[module] = None
    try:
        yield
    finally:
        del modules[module]


class _Later(types.ModuleType):
    """A module that is imported once something of it is used."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return getattr(importlib.import_module(self.__name__), name)


@contextmanager
def _librosa_later() -> Iterator[None]:
    """The package imports librosa, which takes a second and 88 MB, for one filter that only cloning needs."""
    modules: dict[str, types.ModuleType | None] = vars(sys)["modules"]
    if "librosa" in modules:
        yield
        return
    names = ("librosa", "librosa.filters")
    for name in names:
        modules[name] = placeholder = _Later(name)
        placeholder.__spec__ = importlib.machinery.ModuleSpec(name, loader=None)
    vars(modules["librosa.filters"])["mel"] = _mel
    try:
        yield
    finally:
        for name in names:
            del modules[name]


def _mel(*arguments: Any, **named: Any) -> Any:
    """As librosa.filters.mel, which the package takes by name."""
    return importlib.import_module("librosa.filters").mel(*arguments, **named)


def _replace_25hz_codec() -> None:
    """No published checkpoint uses the 25 Hz codec, but importing it needs torchaudio, sox and onnxruntime."""
    if _CODEC_25HZ in sys.modules:
        return

    class Qwen3TTSTokenizerV1Model:
        """Registered by the package, never made."""

        def __init__(self, *_: object, **__: object) -> None:
            raise EngineUnavailable("checkpoints with the 25 Hz codec are not supported")

    placeholder = types.ModuleType(_CODEC_25HZ)
    placeholder.__spec__ = importlib.machinery.ModuleSpec(_CODEC_25HZ, loader=None)
    vars(placeholder)["Qwen3TTSTokenizerV1Model"] = Qwen3TTSTokenizerV1Model
    sys.modules[_CODEC_25HZ] = placeholder


def _hide_torchaudio() -> None:
    """The torchaudio on PyPI is built for CUDA: beside a torch for the CPU it fails while it loads.

    None in sys.modules is Python's own way to say "not installed", which transformers understands.
    """
    modules: dict[str, types.ModuleType | None] = dict(sys.modules)
    if modules.get("torchaudio") is None:
        vars(sys)["modules"]["torchaudio"] = None
