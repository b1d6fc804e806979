"""Candidates of a description, and the one that becomes a voice."""

import json
from pathlib import Path
from typing import Any

import pytest

from koe.core.errors import EngineUnavailable, MalformedInput, UnknownVoice
from koe.core.samples import sample
from koe.core.voice import Voice, VoiceKind
from koe.engine import Priority, SpeechOptions
from koe.engine.fake import FakeEngine, FakeStream
from koe.pipelines.design_clone import Design, Designer
from koe.settings import SpeechSettings, VoiceSettings
from koe.speech import Speaker
from koe.voices.store import VoiceStore


class Designing(FakeEngine):
    """Tones, under the name of the engine that designs."""

    name = "qwen"

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[SpeechOptions] = []

    def open(self, voice: Voice, options: SpeechOptions) -> FakeStream:
        self.asked.append(options)
        return super().open(self.voices()[0], options)


@pytest.fixture
async def engine() -> Designing:
    return Designing()


@pytest.fixture
async def designer(engine: Designing, tmp_path: Path) -> Any:
    speaker = Speaker([engine], fallback=None, default_language="en-US", speech=SpeechSettings(), voice=VoiceSettings())
    await speaker.start()
    yield Designer(tmp_path, speaker)
    await speaker.stop()


async def designed(designer: Designer, description: str = "a calm old sailor", **options: Any) -> Design:
    made = [design async for design in designer.design(description, **{"language": "en", **options})]
    return made[-1]


async def test_each_candidate_is_designed_once_and_kept_as_it_was_heard(
    designer: Designer, engine: Designing, tmp_path: Path
) -> None:
    design = await designed(designer, seeds=[5, None, 7])
    assert design.id == "a-calm-old-sailor"
    assert [candidate.number for candidate in design.candidates] == [1, 2, 3]
    assert [options.seed for options in engine.asked] == [candidate.seed for candidate in design.candidates]
    assert (design.candidates[0].seed, design.candidates[2].seed) == (5, 7)
    assert {options.description for options in engine.asked} == {"a calm old sailor"}
    assert {options.priority for options in engine.asked} == {Priority.BATCH}
    assert design.text == sample("en")

    store = VoiceStore(tmp_path)
    made = designer.keep(store, design.id, 2, "Old sailor")
    profile = store.get("old-sailor")
    assert profile == made.profile
    assert (profile.kind, profile.design) == (VoiceKind.DESIGNED, "a calm old sailor")
    assert profile.transcript == sample("en")
    clip = store.clip(profile)
    assert clip is not None
    assert len(clip.samples()) > 24000
    assert len(engine.asked) == 3


async def test_designs_are_found_again_the_newest_first_and_the_oldest_are_dropped(
    designer: Designer, tmp_path: Path
) -> None:
    first = await designed(designer, seeds=[1])
    for _ in range(20):
        latest = await designed(designer, seeds=[1])
    found = Designer(tmp_path).designs()
    assert len(found) == 20
    assert latest.id in [design.id for design in found]
    assert Designer(tmp_path).get(latest.id) == latest
    assert sorted(found, key=lambda design: design.created, reverse=True) == found
    assert first.id == "a-calm-old-sailor"


async def test_a_damaged_design_is_none(designer: Designer, tmp_path: Path) -> None:
    design = await designed(designer, seeds=[1])
    file = tmp_path / "voices" / "designs" / design.id / "design.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), "id": "../elsewhere"}))
    assert designer.designs() == []
    with pytest.raises(UnknownVoice, match=design.id):
        designer.get(design.id)


@pytest.mark.parametrize("seeds", [[], [1] * 11])
async def test_there_are_one_to_ten_candidates(designer: Designer, seeds: list[int]) -> None:
    with pytest.raises(MalformedInput, match="1 to 10"):
        await designed(designer, seeds=seeds)


async def test_a_description_has_words(designer: Designer) -> None:
    with pytest.raises(MalformedInput, match="describe the voice"):
        await designed(designer, " ")


async def test_a_candidate_that_is_not_there_is_named(designer: Designer, tmp_path: Path) -> None:
    design = await designed(designer, seeds=[1, 2])
    with pytest.raises(UnknownVoice, match="candidates 1 to 2, and no 3"):
        designer.keep(VoiceStore(tmp_path), design.id, 3, "Old sailor")
    with pytest.raises(UnknownVoice, match="there is no design 'other'"):
        designer.keep(VoiceStore(tmp_path), "other", 1, "Old sailor")


async def test_without_a_model_for_it_the_reason_is_told(tmp_path: Path) -> None:
    speaker = Speaker(
        [FakeEngine()], fallback=None, default_language="en-US", speech=SpeechSettings(), voice=VoiceSettings()
    )
    await speaker.start()
    with pytest.raises(EngineUnavailable, match="no voice can be designed"):
        await designed(Designer(tmp_path, speaker))
    await speaker.stop()
