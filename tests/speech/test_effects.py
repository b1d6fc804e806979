"""What is done to a voice's sound is done while it speaks, and is what a file of it would get."""

import asyncio
import subprocess
import sys
import threading
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import pytest_asyncio

from koe.audio.effects.chain import EffectChain
from koe.core.effects import PRESETS, Effect, Gain, HighShelf, LowShelf, Pitch, Reverb, Speed
from koe.core.errors import EngineError, UnsupportedAbility
from koe.core.pcm import BYTES_PER_SAMPLE, amplified, to_float
from koe.core.voice import Voice
from koe.engine import Engine, SpeechOptions, SpeechStream
from koe.engine.espeak import EspeakEngine
from koe.engine.fake import SAMPLE_RATE, FakeEngine, FakeStream, Faults
from koe.settings import SpeechSettings, VoiceSettings
from koe.speech import Speaker, SpeechRequest, Utterance
from koe.speech.casting import Candidate
from koe.speech.sound import sound_of
from koe.voices.making import edit, vary
from koe.voices.store import VoiceStore

TEXT = "A sentence of some length, spoken by somebody. And another one."
ROOM: tuple[Effect, ...] = (*PRESETS["M3GAN"], LowShelf(hertz=200, gain=3), Reverb(size=0.2, wet=0.3))
IMPOSSIBLE = HighShelf(hertz=19_000, gain=3)
"""For the engines here, whose sound ends below it."""


class Overheard:
    """An engine whose PCM comes in chunks of one size, and is kept as it was before anything was done to it.

    espeak-ng never says a sentence twice in the same way.
    """

    def __init__(self, engine: Engine, samples: int) -> None:
        self._engine, self._size = engine, BYTES_PER_SAMPLE * samples
        self.name, self.takes_live_text = engine.name, engine.takes_live_text
        self.start, self.stop, self.voices = engine.start, engine.stop, engine.voices
        self.said, self.rate = bytearray(), 0

    def open(self, voice: Voice, options: SpeechOptions) -> SpeechStream:
        return _OverheardStream(self, self._engine.open(voice, options), self._size)


class _OverheardStream:
    def __init__(self, engine: Overheard, stream: SpeechStream, size: int) -> None:
        self._engine, self._stream, self._size = engine, stream, size
        self.feed, self.finish = stream.feed, stream.finish
        self.seed, self.checkpoint = stream.seed, stream.checkpoint
        self._chunks = self._cut()

    @property
    def sample_rate(self) -> int:
        return self._stream.sample_rate

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self._chunks

    async def aclose(self) -> None:
        await self._chunks.aclose()
        await self._stream.aclose()

    async def _cut(self) -> AsyncGenerator[bytes]:
        held = bytearray()
        async for pcm in self._stream:
            self._engine.said += pcm
            self._engine.rate = self._stream.sample_rate
            held += pcm
            while len(held) >= self._size:
                yield bytes(held[: self._size])
                del held[: self._size]
        if held:
            yield bytes(held)


@pytest.fixture
def store(tmp_path: Path) -> VoiceStore:
    return VoiceStore(tmp_path)


def speaker(store: VoiceStore, *engines: Engine, fallback: str | None = None) -> Speaker:
    made = Speaker(
        engines,
        fallback=fallback,
        default_language="en-US",
        speech=SpeechSettings(),
        voice=VoiceSettings(),
        store=store,
    )
    _made.append(made)
    return made


_made: list[Speaker] = []


@pytest_asyncio.fixture(autouse=True)
async def every_speaker_stops() -> AsyncIterator[None]:
    """However the test ends: espeak-ng speaks for one engine of a process at a time."""
    yield
    while _made:
        await _made.pop().stop()


def asked(it: Speaker, request: SpeechRequest, text: str = TEXT) -> Utterance:
    utterance = it.open(request)
    utterance.feed(text)
    utterance.finish()
    return utterance


async def heard(it: Speaker, request: SpeechRequest, text: str = TEXT) -> bytes:
    async with aclosing(asked(it, request, text)) as utterance:
        return b"".join([pcm async for pcm in utterance])


def offline(effects: Sequence[Effect], pcm: bytes | bytearray, rate: int) -> Any:
    return np.clip(EffectChain(effects, rate).process(to_float(bytes(pcm))), -1.0, 1.0)


@pytest.mark.parametrize("samples", [160, 1024, 1920, 48_000])
@pytest.mark.parametrize("made_by", [FakeEngine, EspeakEngine])
async def test_a_voice_sounds_live_as_it_does_in_a_file(
    store: VoiceStore, made_by: type[FakeEngine] | type[EspeakEngine], samples: int
) -> None:
    engine = Overheard(made_by(), samples)
    it = speaker(store, engine)
    await it.start()
    base = next(voice for voice in it.voices() if voice.languages[0].startswith("en"))
    vary(store, "Doll", base, speed=1.2, pitch=-2.0, gain=-3.0, effects=ROOM)
    live = to_float(await heard(it, SpeechRequest(voice="doll")))
    whole = offline([Speed(factor=1.2), Pitch(semitones=-2), *ROOM, Gain(db=-3)], engine.said, engine.rate)
    assert len(live) == len(whole)
    np.testing.assert_allclose(live, whole, atol=1e-4)


async def test_without_effects_not_a_bit_changes_and_a_gain_alone_is_only_that(store: VoiceStore) -> None:
    engine = Overheard(FakeEngine(), 1920)
    it = speaker(store, engine)
    await it.start()
    vary(store, "Usual", engine.voices()[0])
    assert await heard(it, SpeechRequest(voice="usual")) == engine.said
    edit(store, "usual", gain=3.0)
    engine.said.clear()
    assert await heard(it, SpeechRequest(voice="usual")) == amplified(bytes(engine.said), 3.0)


async def test_a_request_may_have_other_effects_or_none(store: VoiceStore) -> None:
    engine = Overheard(FakeEngine(), 1920)
    it = speaker(store, engine)
    await it.start()
    vary(store, "Doll", engine.voices()[0], effects=ROOM)
    assert await heard(it, SpeechRequest(voice="doll", effects=())) == engine.said
    engine.said.clear()
    live = to_float(await heard(it, SpeechRequest(voice="doll", effects=(Speed(factor=1.5),), speed=0.8)))
    np.testing.assert_allclose(
        live, offline([Speed(factor=0.8), Speed(factor=1.5)], engine.said, SAMPLE_RATE), atol=1e-4
    )


async def test_effects_come_before_another_sample_rate(store: VoiceStore) -> None:
    it = speaker(store, FakeEngine())
    await it.start()
    request = SpeechRequest(voice="fake-low", effects=(Reverb(size=0.1), HighShelf(hertz=9000, gain=-3)))
    usual = await heard(it, request)
    # A shelf at 9 kHz could not be had at this rate itself.
    assert len(
        await heard(it, SpeechRequest(voice="fake-low", effects=request.effects, sample_rate=8000))
    ) == pytest.approx(len(usual) / 3, abs=4)


@pytest.mark.parametrize(("own", "asked", "had"), [(2.0, 4.0, 4.0), (0.5, 0.25, 0.25), (2.0, 0.5, 1.0)])
async def test_a_pace_has_bounds(store: VoiceStore, own: float, asked: float, had: float) -> None:
    engine = Overheard(FakeEngine(), 1920)
    it = speaker(store, engine)
    await it.start()
    vary(store, "Other", engine.voices()[0], speed=own)
    pcm = await heard(it, SpeechRequest(voice="other", speed=asked))
    assert len(pcm) == pytest.approx(len(engine.said) / had, abs=2)


async def test_what_a_voice_can_not_have_is_left_out_and_told(
    store: VoiceStore, caplog: pytest.LogCaptureFixture
) -> None:
    it = speaker(store, FakeEngine())
    await it.start()
    vary(store, "With", it.voices()[0], speed=1.1, effects=(IMPOSSIBLE, Gain(db=-2)))
    vary(store, "Without", it.voices()[0], speed=1.1, effects=(Gain(db=-2),))
    assert await heard(it, SpeechRequest(voice="with")) == await heard(it, SpeechRequest(voice="without"))
    assert "with speaks without its high_shelf: a shelf at 19000 Hz" in caplog.text


async def test_what_a_request_can_not_have_is_refused_before_anything_is_heard(store: VoiceStore) -> None:
    engine = FakeEngine()
    it = speaker(store, engine)
    await it.start()
    async with aclosing(asked(it, SpeechRequest(effects=(IMPOSSIBLE,)))) as utterance:
        with pytest.raises(UnsupportedAbility, match="below 12000 Hz"):
            await anext(aiter(utterance))
        assert engine.open_streams == 0


async def test_who_stands_in_speaks_with_the_effects_that_were_asked_for(store: VoiceStore) -> None:
    stand_in = Overheard(FakeEngine(), 1920)
    it = speaker(store, Broken(), stand_in, fallback="fake")
    await it.start()
    live = await heard(it, SpeechRequest(voice="qwen-low", effects=(Speed(factor=2),)))
    assert len(live) == pytest.approx(len(stand_in.said) / 2, abs=2)


class Broken(FakeEngine):
    name = "qwen"

    def __init__(self) -> None:
        super().__init__(faults=Faults(fail_at=0))

    def voices(self) -> list[Voice]:
        return [replace(super().voices()[0], id="qwen-low", engine="qwen")]

    def open(self, voice: Voice, options: SpeechOptions) -> FakeStream:
        return super().open(super().voices()[0], options)


async def test_the_engine_is_free_while_a_reverb_rings_on_and_that_comes_in_pieces(store: VoiceStore) -> None:
    engine = FakeEngine()
    it = speaker(store, engine)
    await it.start()
    request = SpeechRequest(voice="fake-high", effects=(Reverb(size=0.9, wet=0.5),))
    ringing: list[int] = []
    async with aclosing(asked(it, request)) as utterance:
        async for pcm in utterance:
            if not engine.open_streams:
                ringing.append(len(pcm))
    assert sum(ringing) > 4 * BYTES_PER_SAMPLE * SAMPLE_RATE
    assert max(ringing) <= BYTES_PER_SAMPLE * SAMPLE_RATE


async def test_closing_in_the_middle_frees_the_engine(store: VoiceStore) -> None:
    gate = threading.Semaphore(5)
    engine = FakeEngine(faults=Faults(before_step=gate.acquire))
    it = speaker(store, engine)
    await it.start()
    async with aclosing(asked(it, SpeechRequest(voice="fake-high", effects=(Gain(db=-3),)))) as utterance:
        assert await anext(aiter(utterance))
    assert engine.open_streams == 0
    gate.release(1000)


async def test_a_failure_in_the_middle_is_told_as_without_effects(store: VoiceStore) -> None:
    engine = FakeEngine(faults=Faults(fail_at=5))
    it = speaker(store, engine)
    await it.start()
    with pytest.raises(EngineError):
        await heard(it, SpeechRequest(voice="fake-high", effects=(Gain(db=-3),)))
    assert engine.open_streams == 0


async def test_other_rooms_do_not_wait_for_a_costly_chain() -> None:
    engine = FakeEngine()
    candidate = Candidate(engine, engine.voices()[0], engine.voices()[0], effects=PRESETS["M3GAN"] * 2)
    sound = await sound_of(candidate, SpeechRequest(), SAMPLE_RATE)
    turns = 0

    async def take_turns() -> None:
        nonlocal turns
        while True:
            await asyncio.sleep(0.001)
            turns += 1

    taking = asyncio.create_task(take_turns())
    await sound.feed(bytes(3 * BYTES_PER_SAMPLE * SAMPLE_RATE))
    taking.cancel()
    assert turns > 10


def test_speed_and_pitch_are_had_without_pedalboard_and_reverbs_are_left_out(tmp_path: Path) -> None:
    spoken = subprocess.run(
        [sys.executable, "-c", WITHOUT_PEDALBOARD, tmp_path], capture_output=True, text=True, timeout=50, check=False
    )
    assert spoken.returncode == 0, spoken.stderr
    assert spoken.stdout.split() == ["True", "True"]
    assert "doll speaks without its reverb: reverb and shelves need the pedalboard library" in spoken.stderr
    assert "without its pitch" not in spoken.stderr


WITHOUT_PEDALBOARD = """
import asyncio, logging, sys
from contextlib import aclosing
from pathlib import Path

sys.modules["pedalboard"] = None  # importing it fails

from koe.core.effects import Pitch, Reverb
from koe.core.errors import UnsupportedAbility
from koe.engine.fake import FakeEngine
from koe.settings import SpeechSettings, VoiceSettings
from koe.speech import Speaker, SpeechRequest
from koe.voices.making import vary
from koe.voices.store import VoiceStore

logging.basicConfig()


async def heard(speaker, request):
    utterance = speaker.open(request)
    utterance.feed("A sentence of some length.")
    utterance.finish()
    async with aclosing(utterance):
        return b"".join([pcm async for pcm in utterance])


async def main():
    store = VoiceStore(Path(sys.argv[1]))
    limits = {"speech": SpeechSettings(), "voice": VoiceSettings()}
    speaker = Speaker([FakeEngine()], fallback=None, default_language="en-US", store=store, **limits)
    await speaker.start()
    vary(store, "Doll", speaker.voices()[0], speed=2.0, pitch=3.0, effects=(Reverb(), Pitch(semitones=1)))
    usual = await heard(speaker, SpeechRequest(voice="fake-low"))
    doll = await heard(speaker, SpeechRequest(voice="doll"))
    print(abs(len(doll) - len(usual) / 2) <= 2)
    try:
        await heard(speaker, SpeechRequest(effects=(Reverb(),)))
    except UnsupportedAbility:
        print(True)
    await speaker.stop()


asyncio.run(main())
"""
