"""What a Base checkpoint keeps of clips: computed once, held in memory and in files that outlive the process."""

import contextlib
import logging
import secrets
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor

from koe.core.errors import EngineError
from koe.core.profile import Clip
from koe.engine.qwen import prompt_files
from koe.engine.qwen.guards import Counters
from koe.engine.qwen.lru import Lru
from koe.engine.qwen.prompt_voices import Cloned, Reference
from koe.engine.qwen.reference import ReferenceEncoder

_log = logging.getLogger(__name__)

_KEPT = 64


@dataclass(frozen=True, slots=True)
class Listener:
    """A loaded Base checkpoint that hears clips."""

    name: str

    fingerprint: str
    """As it was before the weights were read."""

    encoder: ReferenceEncoder


class ClonePrompts:
    """Of all clips and checkpoints; belongs to the engine's thread."""

    def __init__(self, folder: Path, counters: Counters, kept: int = _KEPT) -> None:
        """`folder`: for the files; made when there is one to write."""
        self._folder, self._counters = folder, counters
        self._kept: Lru[str, Cloned] = Lru(kept)

    def get(self, clip: Clip, listener: Listener) -> Cloned:
        """The clip's voice; takes a second or more where the clip is heard for the first time.

        Raises MalformedInput for a clip that is none, EngineError where it can't be read.
        """
        key = prompt_files.key(clip.digest, listener.fingerprint)
        return self._kept.get(key, lambda: self._load(clip, listener, key) or self._build(clip, listener, key))

    def _build(self, clip: Clip, listener: Listener, key: str) -> Cloned:
        samples = _samples(clip)
        embedding = listener.encoder.speaker_embedding(samples).cpu()
        codes = listener.encoder.codes(samples).cpu() if clip.transcript else None
        self._counters.prompts += 1
        self._save(key, prompt_files.metadata(clip.digest, listener.name), embedding, codes)
        return _voice(clip, embedding, codes)

    def _load(self, clip: Clip, listener: Listener, key: str) -> Cloned | None:
        file = prompt_files.path(self._folder, key)
        try:
            said, embedding, codes = _read(file)
        except FileNotFoundError:
            return None
        except Exception as error:  # safetensors has its own kinds
            _log.warning("%s is damaged (%s): the voice's clip is heard anew", file, error)
            return None
        expected = prompt_files.metadata(clip.digest, listener.name)
        complete = (codes is not None) == bool(clip.transcript)
        if said != expected or not complete or not listener.encoder.fits(embedding, codes):
            _log.warning("%s does not fit its voice and this model: the voice's clip is heard anew", file)
            return None
        return _voice(clip, embedding, codes)

    def _save(self, key: str, metadata: dict[str, str], embedding: Tensor, codes: Tensor | None) -> None:
        """Where it can't be written, the next process hears the clip again: no reason to fail."""
        tensors = {"embedding": embedding} if codes is None else {"embedding": embedding, "codes": codes}
        temporary = self._folder / f".{key}.{secrets.token_hex(4)}.new"
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            save_file({name: tensor.contiguous() for name, tensor in tensors.items()}, temporary, metadata)
            temporary.replace(prompt_files.path(self._folder, key))
        except Exception as error:  # safetensors has its own kinds
            _log.warning("a voice's prompt can't be kept in %s: %s", self._folder, error)
            with contextlib.suppress(OSError):
                temporary.unlink()


def _samples(clip: Clip) -> NDArray[np.float32]:
    try:
        # torch warns of arrays that it could not write to.
        return np.require(clip.samples(), requirements=["C", "W"])
    except OSError as error:
        raise EngineError(f"the voice's clip can't be read: {error}") from error


def _read(file: Path) -> tuple[dict[str, str] | None, Tensor, Tensor | None]:
    with safe_open(file, framework="pt") as opened:
        codes = opened.get_tensor("codes") if "codes" in opened.keys() else None  # noqa: SIM118 - it is no dict
        return opened.metadata(), opened.get_tensor("embedding"), codes


def _voice(clip: Clip, embedding: Tensor, codes: Tensor | None) -> Cloned:
    return Cloned(embedding, None if codes is None else Reference(codes, clip.transcript))
