"""Quantising a checkpoint: once, before it first speaks, or when `koe models quantize` asks for it."""

import logging
import time
from collections.abc import Callable
from typing import Any

from koe.core.errors import EngineUnavailable, KoeError
from koe.engine.qwen.checkpoints import Checkpoint
from koe.engine.qwen.cpu.build import build, build_codec
from koe.engine.qwen.cpu.files import Graphs
from koe.engine.qwen.cpu.source import MappedWeights
from koe.engine.qwen.device import choose_device, is_out_of_memory
from koe.engine.qwen.loading import load_codec
from koe.engine.qwen.package import import_qwen_tts
from koe.engine.qwen.weights import weight_files

_log = logging.getLogger(__name__)


def ensure(place: Graphs, tell: Callable[[str], None], *, anew: bool = False) -> bool:
    """Have graphs that can be used; whether they had to be made. `tell` hears of each step, and may raise to end it.

    Raises EngineUnavailable, Busy.
    """
    problem = "they were asked for anew" if anew else place.problem()
    if problem is None:
        return False
    begin, name = time.monotonic(), place.checkpoint.name
    if place.folder.exists():
        _log.info("the quantised weights of %s are made anew: %s", name, problem)
    with place.replacing() as folder, MappedWeights(weight_files(place.checkpoint.folder)) as weights:
        try:
            config = _config(place.checkpoint)
            for step in build(weights, config.talker_config, place.precision, folder):
                tell(f"quantising {name} to {place.precision}: {step}")
            tell(f"packing the codec of {name}")
            build_codec(load_codec(place.checkpoint, choose_device("cpu")).decoder, folder)
        except KoeError:
            raise
        except Exception as error:
            reason = "there is not enough memory" if is_out_of_memory(error) else str(error).splitlines()[0]
            raise EngineUnavailable(f"{name} can't be quantised ({reason}); {place.checkpoint.remedy}") from error
    size = place.bytes / 1e9
    _log.info("%s quantised to %s in %.0f s: %.1f GB", name, place.precision, time.monotonic() - begin, size)
    return True


def _config(checkpoint: Checkpoint) -> Any:
    config_class = import_qwen_tts().core.models.Qwen3TTSConfig
    return config_class.from_pretrained(checkpoint.folder, local_files_only=True)
