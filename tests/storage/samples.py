"""Runs to be kept: no sound, but all that is told of one."""

from pathlib import Path
from typing import Any

from koe.storage.meta import Description
from koe.storage.outputs import Outputs
from koe.storage.run import Run
from koe.storage.runs import Runs


def description(text: str = "Hello.", **told: Any) -> Description:
    known = {"voice": "fake-low", "engine": "fake", "elapsed": 0.1, "duration": 1.5, "sample_rate": 24000}
    return Description(**{"text": text, **known, **told})


def keep(runs: Runs | Outputs, text: str = "Hello.", task: str = "speech", sound: bytes = b"RIFF", **told: Any) -> Run:
    with runs.begin(task, {"text": text}) as draft:
        draft.file("audio.wav").write_bytes(sound)
        return draft.finish(description(text, **told))


def hidden(folder: Path) -> list[str]:
    """What isn't a run, but for the lock of all."""
    return sorted(path.name for path in folder.iterdir() if path.name.startswith(".") and path.name != ".lock")
