"""A description that becomes a voice in one job, on tiny checkpoints of both models that it takes."""

from pathlib import Path

import pytest

pytest.importorskip("torch")

from koe.core.voice import VoiceKind
from koe.engine.espeak import EspeakEngine
from koe.engine.qwen.engine import QwenEngine
from koe.settings import QwenSettings
from tests.pipelines.test_production import house, manifest
from tests.support.house import PATIENCE


@pytest.mark.timeout(4 * PATIENCE)
async def test_a_description_is_designed_kept_and_speaks(
    tmp_path: Path, tiny_voice_design: Path, tiny_base: Path
) -> None:
    (tmp_path / "models").mkdir()
    for checkpoint in (tiny_voice_design, tiny_base):
        (tmp_path / "models" / checkpoint.name).symlink_to(checkpoint)
    engine = QwenEngine(QwenSettings(device="cpu", dtype="float32", warm_up=False, loaded=2), tmp_path)
    async with house(tmp_path, engine, EspeakEngine()) as it:
        keep = {"name": "Old sailor", "candidate": 1}
        design = await it.run("design", "a calm old sailor", text="Good night.", seeds=[7], keep=keep)
        profile = it.voices.get("old-sailor")
        assert (profile.kind, profile.transcript) == (VoiceKind.DESIGNED, "Good night.")
        assert (design.meta.engine, design.meta.checkpoint) == ("qwen", "tiny-voice_design")
        assert [item["seed"] for item in manifest(design)["items"]] == [7]
        spoken = await it.run("variations", "See you.", how={"voice": "old-sailor"}, count=1)
        assert (spoken.meta.voice, spoken.meta.checkpoint) == ("old-sailor", "tiny-base")
