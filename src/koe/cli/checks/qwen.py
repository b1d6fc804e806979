"""Whether Qwen3-TTS can be used; it never has to be."""

import importlib.util
from collections.abc import Iterator
from pathlib import Path

from koe.cli.checks import Finding, Mark
from koe.core.installation import install
from koe.engine.qwen.checkpoints import find
from koe.engine.qwen.published import DOWNLOAD, Ability
from koe.settings import Settings

_SUBJECT = "Qwen3-TTS"
_START_WITH = "Qwen3-TTS-12Hz-0.6B-CustomVoice"


def checkpoints(settings: Settings, data_dir: Path) -> Iterator[Finding]:
    """One finding for each checkpoint that can't be used, and one for all that can."""
    if not settings.engine.qwen.enabled:
        yield Finding(Mark.OK, _SUBJECT, "switched off")
        return
    found = [each for each in find(data_dir) if each.ability is not Ability.CODEC]
    for each in found:
        if each.problem:
            yield Finding(Mark.WARNING, _SUBJECT, each.problem, f"{each.remedy[:1].upper()}{each.remedy[1:]}.")
    usable = ", ".join(each.name for each in found if not each.problem)
    if importlib.util.find_spec("qwen_tts") is None:
        if usable:
            remedy = f"Install the extra: {install('qwen')}"
            yield Finding(Mark.WARNING, _SUBJECT, f"there is {usable}, but nothing to run it", remedy)
        else:
            yield Finding(Mark.OK, _SUBJECT, f"not installed; for natural voices: {install('qwen')}")
    elif usable:
        yield Finding(Mark.OK, _SUBJECT, usable)
    elif not found:
        yield Finding(Mark.OK, _SUBJECT, f"no checkpoint yet; for natural voices: {DOWNLOAD} {_START_WITH}")
