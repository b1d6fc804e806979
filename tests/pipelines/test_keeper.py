"""Speech kept while it is spoken: whole, or not at all, and never at the cost of whoever listens."""

import asyncio
import json
import logging
import resource
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing, asynccontextmanager, contextmanager
from pathlib import Path

import pytest
import soundfile

from koe.core.errors import KoeError
from koe.core.pcm import BYTES_PER_SAMPLE
from koe.engine.fake import SAMPLE_RATE, FakeEngine, Faults
from koe.pipelines.keeper import Keeper
from koe.pipelines.speak import SpeechInput
from koe.settings import SpeechSettings, VoiceSettings
from koe.speech import Speaker, SpeechRequest
from koe.storage.outputs import Outputs
from koe.storage.run import Run
from tests.storage.samples import hidden
from tests.support.waiting import eventually

TEXT = "The laundry is done."


class House:
    def __init__(self, speaker: Speaker, outputs: Outputs, keeper: Keeper, kept: list[Run]) -> None:
        self.speaker, self.outputs, self.keeper, self.kept = speaker, outputs, keeper, kept

    async def say(self, *pieces: str, **options: object) -> bytes:
        utterance = self.speaker.open(SpeechRequest(voice="fake-low", keep=True, **options))  # type: ignore[arg-type]
        async with aclosing(utterance):
            for piece in pieces or (TEXT,):
                utterance.feed(piece)
            utterance.finish()
            return b"".join([pcm async for pcm in utterance])

    async def written(self) -> list[Run]:
        """All that will be."""
        await asyncio.to_thread(self.keeper.close)
        return self.kept


@asynccontextmanager
async def house(folder: Path, engine: FakeEngine | None = None, most_bytes: int = 2**25) -> AsyncIterator[House]:
    speaker = Speaker(
        [engine or FakeEngine()],
        fallback=None,
        default_language="en",
        speech=SpeechSettings(),
        voice=VoiceSettings(),
    )
    await speaker.start()
    outputs, kept = Outputs(folder / "outputs"), list[Run]()
    keeper = Keeper(outputs, on_kept=kept.append, most_bytes=most_bytes)
    speaker.keep_with(keeper.hear)
    try:
        yield House(speaker, outputs, keeper, kept)
    finally:
        await speaker.stop()
        await asyncio.to_thread(keeper.close)
        outputs.close()


async def test_what_was_heard_is_kept_and_can_be_done_again(tmp_path: Path) -> None:
    async with house(tmp_path) as it:
        heard = await it.say("The laundry ", "is done.", style="calm", speed=1.5, sample_rate=16_000)
        (run,) = await it.written()
    kept, rate = soundfile.read(run.file("audio.flac"), dtype="int16")
    assert (rate, kept.tobytes()) == (16_000, heard)
    assert (run.meta.task, run.meta.voice, run.meta.text) == ("speech", "fake-low", TEXT)
    assert run.meta.duration == pytest.approx(len(heard) / BYTES_PER_SAMPLE / 16_000, abs=0.01)
    wanted = SpeechInput(text=TEXT, voice="fake-low", style="calm", speed=1.5, sample_rate=16_000, format="flac")
    assert SpeechInput.model_validate(json.loads(run.file("input.json").read_text())) == wanted


async def test_what_nobody_wants_kept_is_not(tmp_path: Path) -> None:
    async with house(tmp_path) as it:
        utterance = it.speaker.open(SpeechRequest(voice="fake-low"))
        utterance.feed(TEXT)
        utterance.finish()
        assert [pcm async for pcm in utterance]
        await it.speaker.warm_up()
        assert await it.written() == []
    assert not (tmp_path / "outputs").exists()


async def test_what_was_cancelled_or_failed_leaves_nothing(tmp_path: Path) -> None:
    long = "A long text. " * 80
    async with house(tmp_path, FakeEngine(faults=Faults(fail_at=300))) as it:
        # Before the first of it is handed over, and after that.
        for enough in (1, 600_000):
            utterance = it.speaker.open(SpeechRequest(voice="fake-low", keep=True))
            utterance.feed(long)
            utterance.finish()
            heard = 0
            while heard < enough:
                heard += len(await anext(aiter(utterance)))
            await utterance.aclose()
        with pytest.raises(KoeError, match="on demand"):
            await it.say(long)
        # Never begun: there was nothing to write.
        await it.speaker.open(SpeechRequest(voice="fake-low", keep=True)).aclose()
        assert (await it.written(), it.keeper._bytes) == ([], 0)
        assert not [name for name in hidden(tmp_path / "outputs" / "runs") if name.startswith(".draft_")]


async def test_many_at_once_are_kept_apart(tmp_path: Path) -> None:
    async with house(tmp_path) as it:
        texts = [f"Text number {number}" + "." * number for number in range(20)]
        heard = dict(zip(texts, await asyncio.gather(*(it.say(text) for text in texts)), strict=True))
        runs = await it.written()
    assert len({run.id for run in runs}) == 20
    for run in runs:
        assert soundfile.read(run.file("audio.flac"), dtype="int16")[0].tobytes() == heard[run.meta.text]


@contextmanager
def full_disk() -> Iterator[None]:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


async def test_on_a_full_disk_it_is_spoken_all_the_same(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async with house(tmp_path) as it:
        with full_disk():
            heard = await it.say("A long text. " * 40)
            assert len(heard) > 20 * SAMPLE_RATE
            assert await it.written() == []
    assert [each.levelno for each in caplog.records if "isn't kept" in each.message] == [logging.WARNING]
    assert not [path for path in (tmp_path / "outputs" / "runs").iterdir() if "draft" in path.name]


async def test_a_disk_that_hangs_delays_nobody(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with house(tmp_path, most_bytes=100_000) as it:
        going, begin = threading.Event(), it.outputs.begin
        monkeypatch.setattr(it.outputs, "begin", lambda *given: (going.wait(20), begin(*given))[1])
        # The disk takes nothing, and what waits for it is bounded: both are spoken to their ends.
        await it.say("A long text. " * 40)
        assert "the disk is too slow" in caplog.text
        going.set()
        await eventually(lambda: it.keeper._bytes == 0)
        await it.say()
        (run,) = await it.written()
        assert run.meta.text == TEXT
