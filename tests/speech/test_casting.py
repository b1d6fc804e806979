"""Voices that users made are voices like any other."""

from contextlib import aclosing
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from koe.core.errors import EngineUnavailable
from koe.core.pcm import duration, to_float
from koe.core.profile import Profile, Sampling
from koe.core.voice import Voice, VoiceKind
from koe.engine import SpeechOptions
from koe.engine.fake import SAMPLE_RATE, FakeEngine, FakeStream, Faults
from koe.settings import SpeechSettings, VoiceSettings
from koe.speech import Speaker, SpeechRequest
from koe.voices.making import clone, edit, prepare_clip, vary
from koe.voices.store import VoiceStore
from tests.support.clips import speech_wav

TEXT = "A sentence of some length, spoken by somebody."


class Cloning(FakeEngine):
    """Tones, under the name of the engine that clones; remembers what it was asked for."""

    name = "qwen"

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.asked: list[tuple[str, SpeechOptions]] = []

    def voices(self) -> list[Voice]:
        return [replace(voice, engine="qwen") for voice in super().voices()]

    def open(self, voice: Voice, options: SpeechOptions) -> FakeStream:
        self.asked.append((voice.id, options))
        return super().open(self.voices()[0], options)


@pytest.fixture
def store(tmp_path: Path) -> VoiceStore:
    return VoiceStore(tmp_path)


def speaker(store: VoiceStore, *engines: FakeEngine, fallback: str | None = None) -> Speaker:
    limits = {"speech": SpeechSettings(), "voice": VoiceSettings()}
    return Speaker(engines, fallback=fallback, default_language="en-US", store=store, **limits)  # type: ignore[arg-type]


async def heard(it: Speaker, request: SpeechRequest, text: str = TEXT) -> tuple[bytes, str]:
    utterance = it.open(request)
    utterance.feed(text)
    utterance.finish()
    async with aclosing(utterance):
        return b"".join([pcm async for pcm in utterance]), utterance.stats.voice


def anna(store: VoiceStore, **details: Any) -> Profile:
    return clone(store, "Anna", [prepare_clip(speech_wav(), "The words of the clip.")], **details).profile


async def test_a_voice_made_while_the_house_runs_speaks_in_the_next_request(store: VoiceStore) -> None:
    engine = Cloning()
    it = speaker(store, engine)
    await it.start()
    assert "anna" not in [voice.id for voice in it.voices()]
    profile = anna(store, seed=7, sampling=Sampling(temperature=0.5), size="1.7B")
    assert [voice.kind for voice in it.voices() if voice.id == "anna"] == [VoiceKind.CLONED]
    pcm, voice = await heard(it, SpeechRequest(voice="anna"))
    assert pcm
    assert voice == "anna"
    asked, options = engine.asked[-1]
    assert (asked, options.seed, options.size) == ("anna", 7, "1.7B")
    assert options.sampling == Sampling(temperature=0.5)
    assert options.clip is not None
    assert options.clip.transcript == profile.transcript == "The words of the clip."
    # Half a second of silence follows the clip.
    samples = options.clip.samples()
    assert len(samples) == round((profile.references[0].duration + 0.5) * 24000)
    assert not samples[-12000:].any()
    await it.stop()


async def test_a_request_goes_before_what_the_voice_does_by_itself(store: VoiceStore) -> None:
    engine = Cloning()
    it = speaker(store, engine)
    await it.start()
    vary(store, "Brisk", engine.voices()[0], seed=7, instruct="Quickly.", languages=["en"])
    await heard(it, SpeechRequest(voice="brisk"))
    assert (engine.asked[-1][0], engine.asked[-1][1].instruct, engine.asked[-1][1].seed) == ("fake-low", "Quickly.", 7)
    await heard(it, SpeechRequest(voice="brisk", instruct="Slowly.", seed=8, sampling=Sampling(top_k=1)))
    options = engine.asked[-1][1]
    assert (options.instruct, options.seed, options.sampling) == ("Slowly.", 8, Sampling(top_k=1))
    await heard(it, SpeechRequest(voice="brisk", style="calm"))
    assert (engine.asked[-1][1].style, engine.asked[-1][1].instruct) == ("calm", None)
    await it.stop()


async def test_speed_and_gain_are_heard(store: VoiceStore) -> None:
    engine = FakeEngine()
    it = speaker(store, engine)
    await it.start()
    vary(store, "Usual", engine.voices()[0])
    vary(store, "Other", engine.voices()[0], speed=1.25, gain=-6.0)
    usual, _ = await heard(it, SpeechRequest(voice="usual"), TEXT * 3)
    other, _ = await heard(it, SpeechRequest(voice="other"), TEXT * 3)
    assert duration(len(other), SAMPLE_RATE) == pytest.approx(duration(len(usual), SAMPLE_RATE) / 1.25, abs=0.05)
    assert to_float(other).std() == pytest.approx(to_float(usual).std() / 2, rel=0.1)
    edit(store, "other", gain=20.0, speed=1.0)
    louder, _ = await heard(it, SpeechRequest(voice="other"), TEXT * 3)
    assert len(louder) == len(usual)
    assert abs(to_float(louder)).max() == pytest.approx(1.0, abs=1e-3)
    await it.stop()


async def test_a_voice_whose_engine_is_not_there_is_not_listed_and_another_speaks_its_language(
    store: VoiceStore, caplog: pytest.LogCaptureFixture
) -> None:
    it = speaker(store, Cloning(faults=Faults(start="no weights")), FakeEngine(), fallback="fake")
    await it.start()
    anna(store, languages=["de"])
    assert "anna" not in [voice.id for voice in it.voices()]
    pcm, voice = await heard(it, SpeechRequest(voice="anna"))
    assert pcm
    assert voice == "fake-low"
    assert "anna can't speak, for the qwen engine isn't ready: no weights" in caplog.text
    await it.stop()


async def test_where_nothing_may_stand_in_the_request_fails_and_says_what_to_do(store: VoiceStore) -> None:
    it = speaker(store, Cloning(faults=Faults(start="no weights, run koe models download")), FakeEngine())
    await it.start()
    anna(store, languages=["de"])
    told = "the qwen engine isn't ready: no weights, run koe models download; .*engine.fallback is null"
    for voice in ("anna", "qwen-ryan"):
        with pytest.raises(EngineUnavailable, match=f"^{voice} can't speak: {told}"):
            it.open(SpeechRequest(voice=voice))
    # Other engines go on, and speak where no voice is named.
    assert await heard(it, SpeechRequest(voice="fake-low"))
    assert await heard(it, SpeechRequest())
    await it.stop()


@pytest.mark.parametrize("damage", ["clip", "profile"])
async def test_a_damaged_voice_does_not_silence_the_house(
    store: VoiceStore, damage: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    it = speaker(store, Cloning(), FakeEngine(), fallback="fake")
    await it.start()
    profile = anna(store, languages=["en"])
    if damage == "clip":
        store.reference_path("anna", profile.references[0]).unlink()
    else:
        (tmp_path / "voices" / "profiles" / "anna.json").write_text("{")
    pcm, voice = await heard(it, SpeechRequest(voice="anna"))
    assert pcm
    assert voice != "anna"
    assert "anna can't speak" in caplog.text
    await it.stop()


async def test_a_designed_voice_is_asked_of_the_engine_that_designs_and_nobody_stands_in(store: VoiceStore) -> None:
    engine = Cloning()
    it = speaker(store, engine, FakeEngine(), fallback="fake")
    await it.start()
    await heard(it, SpeechRequest(description="a calm old sailor", language="de", seed=3))
    assert engine.asked[-1][1].description == "a calm old sailor"
    assert engine.asked[-1][1].language == "de"
    await it.stop()
    absent = speaker(store, FakeEngine())
    await absent.start()
    with pytest.raises(EngineUnavailable, match="no voice can be designed"):
        absent.open(SpeechRequest(description="a calm old sailor"))
    await absent.stop()


def test_profiles_know_when_they_changed(store: VoiceStore) -> None:
    before = anna(store)
    assert before.created == before.changed <= datetime.now(UTC)
    assert edit(store, "anna", name="Anna B.").profile.changed >= before.changed


class Ryan(FakeEngine):
    """One voice that speaks Chinese best, and one that speaks English best; both speak both."""

    def voices(self) -> list[Voice]:
        chinese, english = super().voices()[:2]
        return [
            replace(chinese, languages=("zh-CN", "en-US", "de-DE")),
            replace(english, languages=("en-US", "zh-CN", "de-DE")),
        ]


async def test_an_english_house_speaks_english_by_default(tmp_path: Path) -> None:
    it = speaker(VoiceStore(tmp_path), Ryan())
    await it.start()
    chinese, english = Ryan().voices()
    assert it.default_voice().id == english.id
    assert it.default_voice("zh").id == chinese.id
    assert it.default_voice("en-GB").id == english.id
    # Nobody speaks German best: the first who speaks it.
    assert it.default_voice("de").id == chinese.id
    await it.stop()


async def test_a_text_that_tells_no_language_is_read_in_that_of_the_house(tmp_path: Path) -> None:
    it = speaker(VoiceStore(tmp_path), Ryan())
    await it.start()
    chinese, _ = Ryan().voices()
    in_chinese = (await heard(it, SpeechRequest(voice=chinese.id, language="zh"), "21 °C."))[0]
    in_english = (await heard(it, SpeechRequest(voice=chinese.id, language="en"), "21 °C."))[0]
    assert len(in_chinese) != len(in_english)
    assert (await heard(it, SpeechRequest(voice=chinese.id), "21 °C."))[0] == in_english
    await it.stop()
