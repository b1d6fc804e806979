"""The Speaker: from text to PCM, by any engine."""

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import aclosing

import pytest

from koe.core.errors import DeadlineExceeded, EngineUnavailable, LimitExceeded, NothingToSpeak, UnknownVoice
from koe.core.voice import Voice
from koe.engine import Engine
from koe.engine.espeak import EspeakEngine
from koe.engine.fake import CHARACTERS_PER_CHUNK, CHUNK_SECONDS, SAMPLE_RATE, FakeEngine, Faults
from koe.engine.pipe import MAX_TAKE_BYTES
from koe.settings import SpeechSettings, VoiceSettings
from koe.speech import Speaker, SpeechRequest, Utterance
from tests.support.espeak import as_long_as
from tests.support.house import PATIENCE
from tests.support.waiting import eventually

ONE_LANGUAGE = SpeechRequest(voice="fake-high")


def speaker(
    *engines: Engine,
    fallback: str | None = None,
    engine: str | None = None,
    voice: VoiceSettings | None = None,
    **speech: float,
) -> Speaker:
    made = Speaker(
        engines,
        fallback=fallback,
        engine=engine,
        default_language="en-US",
        speech=SpeechSettings(**speech),  # type: ignore[arg-type]
        voice=voice or VoiceSettings(),
    )
    _made.append(made)
    return made


_made: list[Speaker] = []


@pytest.fixture(autouse=True)
async def every_speaker_stops() -> AsyncIterator[None]:
    """However the test ends: espeak-ng speaks for one engine of a process at a time."""
    yield
    while _made:
        await _made.pop().stop()


async def heard(utterance: Utterance, text: str = "") -> bytes:
    utterance.feed(text)
    utterance.finish()
    async with aclosing(utterance):
        return b"".join([pcm async for pcm in utterance])


def seconds(pcm: bytes) -> float:
    return len(pcm) / 2 / SAMPLE_RATE


@pytest.fixture(params=[True, False], ids=["live", "by segments"])
def live(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


@pytest.mark.parametrize(
    ("text", "pauses"),
    [
        ("Hello there. [pause:1.5s] Again.", 1.5),
        ("[pause:500ms] Hello there.", 0.5),
        ("Hello there. [pause:1s]", 1.0),
        ("One. [pause:1s] Two. [pause:250ms] [pause:250ms] Three.", 1.5),
    ],
)
async def test_pauses_are_kept_to_the_sample(live: bool, text: str, pauses: float) -> None:
    it = speaker(FakeEngine(takes_live_text=live))
    await it.start()
    pcm = await heard(it.open(ONE_LANGUAGE), text)
    runs = [run for run in pcm.split(bytes(round(0.2 * SAMPLE_RATE) * 2)) if run]
    silent = len(pcm) - sum(map(len, runs))
    hummed = seconds(pcm) - pauses
    assert hummed / CHUNK_SECONDS == pytest.approx(round(hummed / CHUNK_SECONDS), abs=1e-6)
    assert silent / 2 / SAMPLE_RATE <= pauses + 0.01


async def test_pauses_alone_are_nothing_to_speak(live: bool) -> None:
    it = speaker(FakeEngine(takes_live_text=live))
    await it.start()
    with pytest.raises(NothingToSpeak):
        await heard(it.open(ONE_LANGUAGE), "[pause:1s] 🎉 [pause:1s]")


async def test_nothing_is_spoken_that_nobody_asked_for() -> None:
    engine = FakeEngine()
    it = speaker(engine)
    await it.start()
    utterance = it.open(ONE_LANGUAGE)
    utterance.feed("A text that nobody listens to.")
    utterance.finish()
    await asyncio.sleep(0)
    assert engine.open_streams == 0
    await utterance.aclose()


async def test_closing_in_the_middle_frees_the_engine(live: bool) -> None:
    gate = threading.Semaphore(2)
    engine = FakeEngine(takes_live_text=live, faults=Faults(before_step=gate.acquire))
    it = speaker(engine)
    await it.start()
    utterance = it.open(ONE_LANGUAGE)
    utterance.feed("A text that somebody leaves early. And more of it.")
    async with aclosing(utterance):
        assert await anext(aiter(utterance))
    assert engine.open_streams == 0
    gate.release(100)


async def test_live_text_sounds_before_it_is_complete() -> None:
    it = speaker(FakeEngine())
    await it.start()
    utterance = it.open(ONE_LANGUAGE)
    utterance.feed("The house speaks ")
    chunks = aiter(utterance)
    assert await anext(chunks)
    utterance.feed("after the first words.")
    utterance.finish()
    async for _ in chunks:
        pass


async def test_a_long_text_lets_other_tasks_run_while_it_is_prepared() -> None:
    it = speaker(FakeEngine(takes_live_text=False))
    await it.start()
    utterance = it.open(ONE_LANGUAGE)
    # One sentence of 50,000 characters without a place to cut would be normalised in one go, were it not sliced.
    utterance.feed("*" * 49_000 + " the end.")
    utterance.finish()
    turns = 0

    async def count_turns() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    counting = asyncio.create_task(count_turns())
    async with aclosing(utterance):
        assert await anext(aiter(utterance))
    counting.cancel()
    assert turns > 100


async def test_figures_of_an_utterance() -> None:
    it = speaker(FakeEngine())
    await it.start()
    utterance = it.open(ONE_LANGUAGE)
    pcm = await heard(utterance, "Hello there.")
    stats = utterance.stats
    assert (stats.voice, stats.engine, stats.characters, stats.fallback) == ("fake-high", "fake", 12, None)
    assert stats.audio_seconds == pytest.approx(seconds(pcm))
    assert stats.first_audio is not None
    assert 0 < stats.first_audio <= stats.elapsed
    assert "Hello" not in str(stats)


async def test_what_the_fallback_speaks_is_the_whole_text_in_its_language(live: bool) -> None:
    it = speaker(FakeEngine(takes_live_text=live, faults=Faults(fail_at=0)), EspeakEngine(), fallback="espeak")
    await it.start()
    text = "Zwei Äpfel. [pause:1s] Drei Birnen und vier Pflaumen, bitte."
    utterance = it.open(SpeechRequest(voice="fake-low", language="de-DE"))
    pcm = await heard(utterance, text)
    alone = await heard(it.open(SpeechRequest(voice="espeak-de")), text)
    assert utterance.stats.voice == "espeak-de"
    assert utterance.stats.fallback == "failed on demand before chunk 0"
    assert utterance.sample_rate == 22050
    assert len(pcm) == as_long_as(alone, sentences=2)


async def test_there_is_no_fallback_to_a_voice_of_another_language() -> None:
    it = speaker(EspeakEngine(), FakeEngine(), fallback="fake")
    await it.start()
    assert it.open(SpeechRequest(voice="espeak-fr"))._fallback is None
    assert it.open(SpeechRequest(voice="espeak-de"))._fallback is not None


async def test_an_engine_that_can_not_start_is_told_of_and_the_others_speak() -> None:
    it = speaker(FakeEngine(faults=Faults(start="no tones left")), EspeakEngine(), fallback="espeak")
    await it.start()
    assert (it.health["fake"].ready, it.health["fake"].reason) == (False, "no tones left")
    assert it.health["espeak"].ready
    utterance = it.open(ONE_LANGUAGE)
    assert await heard(utterance, "Hello.")
    assert utterance.stats.fallback == "no tones left"


class Waiting(FakeEngine):
    """Could not start, and has no voices as long as that is so."""

    def __init__(self) -> None:
        super().__init__(faults=Faults(start="no tones left"))

    def voices(self) -> list[Voice]:
        return []


async def test_where_nothing_may_stand_in_the_default_engine_alone_speaks_unasked() -> None:
    it = speaker(Waiting(), EspeakEngine(), engine="fake", voice=VoiceSettings(default="fake-low"))
    await it.start()
    await it.warm_up()
    assert it.usual_voice() is None
    for request in (SpeechRequest(), SpeechRequest(voice="fake-low"), SpeechRequest(language="en")):
        with pytest.raises(EngineUnavailable, match="the fake engine isn't ready: no tones left; nothing stands in"):
            it.open(request)
    assert await heard(it.open(SpeechRequest(voice="espeak-de")), "Hallo.")
    await it.stop()
    # The first one that can speak is the default engine where the settings don't name one.
    it = speaker(Waiting(), EspeakEngine())
    await it.start()
    assert it.usual_voice() is not None


async def test_a_house_without_a_voice_does_not_start() -> None:
    with pytest.raises(EngineUnavailable, match="no engine can speak"):
        await speaker().start()


async def test_voices_are_found_by_id_by_language_or_by_default() -> None:
    it = speaker(EspeakEngine(), voice=VoiceSettings(default="espeak-en-gb-x-rp"))
    await it.start()
    assert it.default_voice().id == "espeak-en-gb-x-rp"
    assert it.default_voice("en").id == "espeak-en-gb-x-rp"
    assert it.default_voice("de").id == "espeak-de"
    assert it.default_voice("pt").languages == ("pt-BR",)
    with pytest.raises(UnknownVoice, match="espeak-en-us"):
        it.open(SpeechRequest(voice="espeak-en-su"))
    with pytest.raises(UnknownVoice, match="speaks 'xx'"):
        it.open(SpeechRequest(language="xx"))


async def test_a_wrong_default_voice_is_an_error_at_start() -> None:
    it = speaker(FakeEngine(), voice=VoiceSettings(default="fake-lwo"))
    with pytest.raises(UnknownVoice, match="fake-low"):
        await it.start()


async def test_a_text_beyond_the_limit_is_refused_when_it_is_fed() -> None:
    it = speaker(FakeEngine(), max_characters=10)
    await it.start()
    utterance = it.open(ONE_LANGUAGE)
    utterance.feed("0123456789")
    with pytest.raises(LimitExceeded, match=r"speech\.max_characters"):
        utterance.feed("0")
    await utterance.aclose()


async def test_the_sample_rate_of_a_request_wins() -> None:
    it = speaker(FakeEngine(), sample_rate=16000)
    await it.start()
    text = "x" * 40 * CHARACTERS_PER_CHUNK
    for wanted, expected in ((None, 16000), (48000, 48000), (SAMPLE_RATE, SAMPLE_RATE)):
        utterance = it.open(SpeechRequest(voice="fake-high", sample_rate=wanted))
        pcm = await heard(utterance, text)
        assert utterance.sample_rate == expected
        assert len(pcm) / 2 / expected == pytest.approx(40 * CHUNK_SECONDS, abs=0.001)


async def test_warming_up_leaves_nothing_behind() -> None:
    engine = FakeEngine()
    it = speaker(engine)
    await it.start()
    await it.warm_up()
    await eventually(lambda: engine.open_streams == 0)


async def a_while(seconds: float) -> None:
    clock = asyncio.get_running_loop().time
    over = clock() + seconds
    await eventually(lambda: clock() > over)


async def test_the_time_that_a_request_waits_its_turn_is_not_its_own() -> None:
    it = speaker(FakeEngine(), request_timeout=1.0)
    await it.start()
    utterance = it.open(ONE_LANGUAGE)
    await a_while(1.0)
    assert await heard(utterance, "Hello there.")


async def test_the_time_that_a_listener_takes_is() -> None:
    it = speaker(FakeEngine(), request_timeout=1.0)
    await it.start()
    utterance = it.open(ONE_LANGUAGE)
    utterance.feed("Hello there. " * 50)
    utterance.finish()
    with pytest.raises(DeadlineExceeded, match=r"speech\.request_timeout"):
        async with aclosing(utterance):
            async for _ in utterance:
                await a_while(0.5)


async def test_leading_pauses_come_in_pieces_and_count_as_speech(live: bool) -> None:
    it = speaker(FakeEngine(takes_live_text=live), max_seconds=2.0)
    await it.start()
    utterance = it.open(ONE_LANGUAGE)
    utterance.feed("[pause:10s] " * 20 + "Hello.")
    utterance.finish()
    sizes = []
    with pytest.raises(LimitExceeded, match=r"speech\.max_seconds"):
        async with aclosing(utterance):
            async for pcm in utterance:
                sizes.append(len(pcm))
    assert max(sizes) <= MAX_TAKE_BYTES
    assert sum(sizes) <= 2 * 2 * SAMPLE_RATE + MAX_TAKE_BYTES


async def test_an_engine_that_has_all_of_a_live_text_owes_its_audio_soon() -> None:
    engine = FakeEngine(faults=Faults(hang_at=0))
    it = speaker(engine, EspeakEngine(), fallback="espeak", first_audio_timeout=0.1, text_timeout=3600.0)
    await it.start()
    utterance = it.open(ONE_LANGUAGE)
    utterance.feed("The beginning ")
    hearing = asyncio.create_task(heard_of(utterance))
    await eventually(lambda: engine.open_streams == 1)
    utterance.feed("and the end.")
    utterance.finish()
    async with asyncio.timeout(PATIENCE):
        assert await hearing
    assert utterance.stats.engine == "espeak"


async def test_an_engine_that_waits_for_text_is_not_blamed() -> None:
    it = speaker(FakeEngine(), first_audio_timeout=0.1, chunk_timeout=0.1)
    await it.start()
    utterance = it.open(ONE_LANGUAGE)
    hearing = asyncio.create_task(heard_of(utterance))
    for piece in ("a", " ", "b", " c d e f g h"):
        utterance.feed(piece)
        await a_while(0.2)
    utterance.finish()
    assert await hearing
    assert utterance.stats.fallback is None


@pytest.mark.parametrize("text", ["Good morning.", "OK.", "Is it 21 °C?"])
async def test_a_sentence_before_a_pause_is_spoken_in_it(live: bool, text: str) -> None:
    """Nobody knows yet what language it is; a language model may be waiting for a tool meanwhile."""
    it = speaker(FakeEngine(takes_live_text=live), text_timeout=3600.0)
    await it.start()
    utterance = it.open(SpeechRequest(voice="fake-low"))
    utterance.feed(text)
    async with asyncio.timeout(PATIENCE), aclosing(utterance):
        assert await anext(aiter(utterance))


async def test_who_waits_for_an_engine_has_the_patience_of_a_request() -> None:
    ready = threading.Event()
    it = speaker(
        FakeEngine(faults=Faults(before_step=lambda: ready.wait(PATIENCE))),
        EspeakEngine(),
        fallback="espeak",
        first_audio_timeout=0.1,
    )
    await it.start()
    utterance = it.open(SpeechRequest(voice="fake-high", wait=True))
    hearing = asyncio.create_task(heard(utterance, "Hello."))
    await a_while(0.3)
    ready.set()
    assert await hearing
    assert (utterance.stats.engine, utterance.stats.fallback) == ("fake", None)


async def heard_of(utterance: Utterance) -> bytes:
    async with aclosing(utterance):
        return b"".join([pcm async for pcm in utterance])


async def test_a_live_text_lets_other_tasks_run_while_it_is_prepared() -> None:
    it = speaker(FakeEngine(lead_seconds=0.1))
    await it.start()
    utterance = it.open(ONE_LANGUAGE)
    utterance.feed("It is warm at 14:05. " * 2000)
    utterance.finish()
    turns = 0

    async def count_turns() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    counting = asyncio.create_task(count_turns())
    async with aclosing(utterance):
        assert await anext(aiter(utterance))
        await eventually(lambda: not utterance._source._raw)
    counting.cancel()
    assert turns > 100


@pytest.mark.parametrize("language", ["german", "?", "de" * 1000])
async def test_what_is_no_language_is_an_unknown_voice(language: str) -> None:
    it = speaker(FakeEngine())
    await it.start()
    for voice in (None, "fake-low"):
        with pytest.raises(UnknownVoice, match="no language tag"):
            it.open(SpeechRequest(voice=voice, language=language))
