"""A text becomes a run, whole or not at all."""

import asyncio
import json
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from koe.audio.decode import read_audio
from koe.core.errors import EngineError, MalformedInput, NothingToSpeak, UnknownVoice
from koe.core.profile import Sampling
from koe.core.voice import Voice
from koe.engine import Priority, SpeechOptions
from koe.engine.fake import FakeEngine, FakeStream, Faults
from koe.pipelines.speak import SpeechInput, SpeechProducer
from koe.settings import SpeechSettings, VoiceSettings
from koe.speech import Speaker
from koe.storage.history import Query
from koe.storage.outputs import Outputs
from tests.storage.samples import hidden
from tests.support.waiting import eventually

ROOT = Path(__file__).parents[2]

FILLS_THE_DISK = """
import asyncio, resource, sys
from pathlib import Path
from koe.core.errors import KoeError
from koe.pipelines.speak import SpeechInput
from tests.pipelines.test_speak import producing
async def main():
    async with producing(Path(sys.argv[1])) as (producer, outputs):
        for format in ("wav", "flac"):
            resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, resource.RLIM_INFINITY))
            try:
                await producer.speak(SpeechInput(text="Hello there. " * 20, format=format))
            except KoeError as error:
                print(error.message)
asyncio.run(main())
"""


class Remembering(FakeEngine):
    """Remembers what it was asked for."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.asked: list[tuple[str, SpeechOptions]] = []

    def open(self, voice: Voice, options: SpeechOptions) -> FakeStream:
        self.asked.append((voice.id, options))
        return super().open(voice, options)


@asynccontextmanager
async def producing(folder: Path, engine: FakeEngine | None = None) -> AsyncIterator[tuple[SpeechProducer, Outputs]]:
    speaker = Speaker(
        [engine or FakeEngine()],
        fallback=None,
        default_language="en-US",
        speech=SpeechSettings(),
        voice=VoiceSettings(),
    )
    outputs = Outputs(folder)
    await speaker.start()
    try:
        await asyncio.to_thread(outputs.serve)
        yield SpeechProducer(speaker, outputs), outputs
    finally:
        await asyncio.to_thread(outputs.close)
        await speaker.stop()


async def test_a_text_becomes_a_run(tmp_path: Path) -> None:
    engine = Remembering()
    async with producing(tmp_path, engine) as (producer, outputs):
        wanted = SpeechInput(text="Grüße aus 東京.", voice="fake-high", seed=7, sampling=Sampling(temperature=0.5))
        run = await producer.speak(wanted)
        meta, sound = run.meta, read_audio(run.file("audio.wav").read_bytes(), most_seconds=30)
        assert (meta.task, meta.text, meta.voice, meta.engine) == ("speech", wanted.text, "fake-high", "fake")
        assert meta.sampling == Sampling(temperature=0.5)
        assert meta.sample_rate == sound.sample_rate
        assert meta.duration == pytest.approx(len(sound.samples) / sound.sample_rate, abs=0.01)
        assert meta.first_audio is not None
        assert meta.elapsed >= meta.first_audio
        assert SpeechInput.model_validate(run.input()) == wanted
        assert [entry.id for entry in outputs.search(Query("東京")).entries] == [run.id]
    [(voice, options)] = engine.asked
    assert (voice, options.seed, options.priority, options.wait) == ("fake-high", 7, Priority.BATCH, True)


@pytest.mark.parametrize("format", ["wav", "flac", "ogg", "mp3"])
async def test_every_format_can_be_heard(tmp_path: Path, format: Any) -> None:
    async with producing(tmp_path) as (producer, _):
        run = await producer.speak(SpeechInput(text="Hello.", format=format))
        assert len(read_audio(run.file(f"audio.{format}").read_bytes(), most_seconds=30).samples)


async def test_a_run_is_done_again_with_another_seed(tmp_path: Path) -> None:
    engine = Remembering()
    async with producing(tmp_path, engine) as (producer, _):
        run = await producer.speak(SpeechInput(text="Hello.", style="calm", seed=1, format="flac"))
        again = await producer.again(run, 2)
        assert again.id != run.id
        assert again.input() == run.input() | {"seed": 2}
        assert [file.name for file in again.meta.files] == ["audio.flac", "input.json"]
        assert [(options.style, options.seed) for _, options in engine.asked] == [("calm", 1), ("calm", 2)]
        for damage in ("{", "[]", json.dumps({"text": "", "x": 1})):
            run.file("input.json").write_text(damage)
            with pytest.raises(MalformedInput, match=f"{run.id} can't be done again"):
                await producer.again(run, 2)


@pytest.mark.parametrize(
    ("engine", "text", "voice", "error"),
    [
        (FakeEngine(faults=Faults(fail_at=0)), "Hello.", None, EngineError),
        (FakeEngine(faults=Faults(fail_at=2)), "Hello. " * 20, None, EngineError),
        (FakeEngine(), "<!-- -->", None, NothingToSpeak),
        (FakeEngine(), "Hello.", "nobody", UnknownVoice),
    ],
)
async def test_what_fails_leaves_nothing(
    tmp_path: Path, engine: FakeEngine, text: str, voice: str | None, error: type[Exception]
) -> None:
    async with producing(tmp_path, engine) as (producer, outputs):
        with pytest.raises(error):
            await producer.speak(SpeechInput(text=text, voice=voice))
        assert outputs.search(Query()).entries == ()
        assert engine.open_streams == 0
    assert not (tmp_path / "runs").exists() or hidden(tmp_path / "runs") == []


@pytest.mark.parametrize("format", ["wav", "mp3"])
async def test_who_gives_up_waiting_leaves_nothing(tmp_path: Path, format: Any) -> None:
    engine = FakeEngine(faults=Faults(hang_at=3))
    async with producing(tmp_path, engine) as (producer, outputs):
        speaking = asyncio.create_task(producer.speak(SpeechInput(text="Hello there. " * 20, format=format)))
        await eventually(lambda: bool(list(tmp_path.glob("runs/.draft_*/.audio*"))))
        speaking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await speaking
        assert engine.open_streams == 0
        assert outputs.search(Query()).entries == ()
    assert hidden(tmp_path / "runs") == []


async def test_a_hundred_at_once(tmp_path: Path) -> None:
    async with producing(tmp_path) as (producer, outputs):
        runs = await asyncio.gather(*(producer.speak(SpeechInput(text=f"Number {i}.")) for i in range(100)))
        found = outputs.search(Query("number"), limit=200).entries
        assert sorted(entry.id for entry in found) == sorted(run.id for run in runs)


def test_a_full_disk_is_told_and_leaves_nothing(tmp_path: Path) -> None:
    command = [sys.executable, "-c", FILLS_THE_DISK, str(tmp_path)]
    full = subprocess.run(command, capture_output=True, cwd=ROOT, check=True)
    told = full.stdout.decode().splitlines()
    assert len(told) == 2
    assert all("can't be written: File too large" in line for line in told)
    assert hidden(tmp_path / "runs") == []
