"""Productions from a file to a run, spoken by real engines."""

import asyncio
import json
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from koe.core.voice import Voice
from koe.engine import Engine, SpeechOptions
from koe.engine.fake import FakeEngine, FakeStream, Faults
from koe.pipelines.design_clone import Designer
from koe.pipelines.jobs import JobQueue
from koe.pipelines.productions import productions
from koe.settings import SpeechSettings, VoiceSettings
from koe.speech import Speaker
from koe.storage.job import ItemState, Job, JobState
from koe.storage.jobs import JobStore
from koe.storage.outputs import Outputs
from koe.storage.run import Run
from koe.voices.store import VoiceStore
from tests.support.house import PATIENCE

RATE = 24_000
SCRIPT = """\
Anna: Is the kettle on?
Bert: It is.
It has been for a while.

Anna: Then where is my tea?
"""
SPEAKERS = {"speakers": {"Anna": {"voice": "fake-high"}, "Bert": {"voice": "fake-low", "gain": -6}}, "gap": 0.5}


Output = Mapping[str, object] | None


class Counting(FakeEngine):
    opened = 0

    def open(self, voice: Voice, options: SpeechOptions) -> FakeStream:
        self.opened += 1
        return super().open(voice, options)


@dataclass
class House:
    queue: JobQueue
    outputs: Outputs
    store: JobStore
    voices: VoiceStore

    async def make(self, kind: str, text: str, output: Output = None, /, **options: object) -> Job:
        """The job, ended."""
        job = await self.begin(kind, text, output, **options)
        return await self.ended(job)

    async def begin(
        self, kind: str, text: str, output: Mapping[str, object] | None = None, /, **options: object
    ) -> Job:
        request = {"options": options, "output": dict(output or {})}
        with self.store.upload() as file:
            file.write_text(text, encoding="utf-8")
            return await self.queue.submit(kind, "A title", request, file)

    async def ended(self, job: Job) -> Job:
        async with asyncio.timeout(PATIENCE):
            async for now in self.queue.watch(job.id):
                job = now
        return job

    async def run(self, kind: str, text: str, output: Output = None, /, **options: object) -> Run:
        job = await self.make(kind, text, output, **options)
        assert (job.state, job.error, job.progress.failed) == (JobState.FINISHED, "", 0)
        assert job.run is not None
        return self.outputs.get(job.run)


@asynccontextmanager
async def house(folder: Path, *engines: Engine) -> AsyncIterator[House]:
    voices = VoiceStore(folder)
    speaker = Speaker(
        engines or [FakeEngine()],
        fallback=None,
        default_language="en",
        speech=SpeechSettings(),
        voice=VoiceSettings(),
        store=voices,
    )
    await speaker.start()
    outputs = Outputs(folder / "outputs")
    outputs.serve()
    store = JobStore(folder / "outputs" / "jobs")
    kinds = productions(speaker, store, outputs, Designer(folder), voices)
    queue = JobQueue(store, kinds, side_by_side=3, max_jobs=10)
    await queue.start()
    try:
        yield House(queue, outputs, store, voices)
    finally:
        await queue.stop()
        store.close()
        await speaker.stop()
        await asyncio.to_thread(outputs.close)


def manifest(run: Run) -> Any:
    return json.loads((run.folder / "manifest.json").read_text(encoding="utf-8"))


def samples(run: Run, name: str) -> np.ndarray[Any, np.dtype[np.int16]]:
    read, rate = soundfile.read(run.folder / name, dtype="int16")
    assert rate == RATE
    return np.asarray(read)


async def test_a_script_becomes_one_sound_of_its_lines_and_gaps(tmp_path: Path) -> None:
    async with house(tmp_path) as it:
        run = await it.run("script", SCRIPT, **SPEAKERS)
        told = manifest(run)
        assert [item["group"] for item in told["items"]] == ["Anna", "Bert", "Anna"]
        assert [item["voice"] for item in told["items"]] == ["fake-high", "fake-low", "fake-high"]
        sound = samples(run, "script.wav")
        spoken = sum(round(item["seconds"] * RATE) for item in told["items"])
        assert len(sound) == spoken + 2 * RATE // 2
        for item in told["items"]:
            begin, count = round(item["start"] * RATE), round(item["seconds"] * RATE)
            assert np.abs(sound[begin : begin + count]).max() > 1000
        end = round((told["items"][0]["start"] + told["items"][0]["seconds"]) * RATE)
        assert not sound[end : end + RATE // 2].any()
        assert (run.meta.task, run.meta.title) == ("script", "A title")
        assert "Is the kettle on?" in run.meta.text
        assert run.meta.duration == pytest.approx(len(sound) / RATE)


async def test_a_file_for_each_line_and_one_for_all(tmp_path: Path) -> None:
    async with house(tmp_path) as it:
        run = await it.run("script", SCRIPT, {"whole": True, "format": "flac"}, separate=True, **SPEAKERS)
        names = [file.name for file in run.meta.files]
        assert names[:4] == ["all.flac", "0001-Anna.flac", "0002-Bert.flac", "0003-Anna.flac"]
        lines = [samples(run, name) for name in names[1:4]]
        gap = np.zeros(RATE // 2, np.int16)
        whole = np.concatenate([lines[0], gap, lines[1], gap, lines[2]])
        assert np.array_equal(samples(run, "all.flac"), whole)
        # Bert speaks at half the amplitude.
        assert np.abs(lines[1]).max() == pytest.approx(np.abs(lines[0]).max() / 2, rel=0.05)


async def test_a_book_has_a_file_for_each_chapter(tmp_path: Path) -> None:
    text = "# One\n\nIt was late. Nobody spoke.\n\nThen it rang.\n\n# Two\n\nThe end."
    options = {"kind": "md", "how": {"voice": "fake-low"}, "paragraph_gap": 0.25}
    async with house(tmp_path) as it:
        run = await it.run("long", text, {"whole": True}, chapter_gap=1.0, **options)
        names = [file.name for file in run.meta.files]
        assert names[:3] == ["all.wav", "001-One.wav", "002-Two.wav"]
        one, two = samples(run, "001-One.wav"), samples(run, "002-Two.wav")
        assert np.array_equal(samples(run, "all.wav"), np.concatenate([one, np.zeros(RATE, np.int16), two]))


async def test_subtitles_are_spoken_at_their_times(tmp_path: Path) -> None:
    text = (
        "1\n00:00:01,000 --> 00:00:03,000\nHello there.\n\n"
        "2\n00:00:04,500 --> 00:00:04,700\nThis takes much longer than its cue.\n\n"
        "3\n00:00:20,000 --> 00:00:30,000\nBye.\n"
    )
    async with house(tmp_path) as it:
        run = await it.run("subtitles", text, how={"voice": "fake-low"})
        sound, told = samples(run, "dub.wav"), manifest(run)["items"]
        assert len(sound) == 30 * RATE
        loud = np.flatnonzero(np.abs(sound) > 200) / RATE
        for item, start in zip(told, (1.0, 4.5, 20.0), strict=True):
            assert loud[loud >= start - 0.5].min() == pytest.approx(start, abs=0.01)
            assert item["start"] == start
        assert [item["overrun"] > 0 for item in told] == [False, True, False]
        hurried = await it.run("subtitles", text, {"hurry": 1.5}, how={"voice": "fake-low"})
        faster = manifest(hurried)["items"]
        assert faster[1]["seconds"] == pytest.approx(told[1]["seconds"] / 1.5, rel=0.02)
        assert faster[0]["seconds"] == told[0]["seconds"]


async def test_a_pack_has_a_folder_for_each_character(tmp_path: Path) -> None:
    text = "\ufeffcharacter,text,voice,file,seed\nSmith,Hello.,fake-low,greeting,\nSmith,,,,\nMüller,Guten Tag.,,,7\n"
    async with house(tmp_path) as it:
        run = await it.run("npc", text, {"format": "flac"}, default={"voice": "fake-high"})
        names = [file.name for file in run.meta.files]
        assert names[:2] == ["Smith/greeting.flac", "Müller/guten-tag.flac"]
        told = manifest(run)
        assert [item["voice"] for item in told["items"]] == ["fake-low", "fake-high"]
        digests = {file.name: file.sha256 for file in run.meta.files}
        assert {each["name"]: each["sha256"] for each in told["files"]} == {name: digests[name] for name in names[:2]}


async def test_variations_are_a_file_for_each_seed(tmp_path: Path) -> None:
    async with house(tmp_path) as it:
        run = await it.run("variations", "Good morning.", how={"voice": "fake-low"}, seeds=[3, 5, 8])
        assert [file.name for file in run.meta.files][:3] == [
            f"00{n}-seed-{s}.wav" for n, s in ((1, 3), (2, 5), (3, 8))
        ]


@pytest.mark.parametrize("format", ["wav", "flac", "mp3", "opus"])
async def test_every_format_is_brought_to_the_loudness(tmp_path: Path, format: str) -> None:
    from koe.audio.loudness import measured
    from koe.audio.sound import FileSound

    async with house(tmp_path) as it:
        run = await it.run("script", SCRIPT, {"format": format, "loudness": -23}, **SPEAKERS)
        loudness = measured(FileSound(run.folder / f"script.{format}"))
        assert loudness.lufs == pytest.approx(-23, abs=0.1 if format in ("wav", "flac") else 1.0)


async def test_what_can_not_be_planned_says_why(tmp_path: Path) -> None:
    async with house(tmp_path) as it:
        job = await it.make("script", SCRIPT)
        assert job.state is JobState.FAILED
        assert "'Anna' (line 1)" in job.error
        assert "'Bert' (line 2)" in job.error


async def test_a_dead_item_costs_no_other(tmp_path: Path) -> None:
    """An engine that fails whenever it comes to speak long sentences."""
    text = "A: Yes.\n" * 5
    async with house(tmp_path, FakeEngine(faults=Faults(fail_at=4))) as it:
        job = await it.make("script", f"{text}A: This line is too long for it.\n", default={"voice": "fake-low"})
        assert (job.state, job.progress.done, job.progress.failed) == (JobState.FINISHED, 5, 1)
        assert job.run is not None
        (failed,) = manifest(it.outputs.get(job.run))["failed"]
        assert failed["text"] == "This line is too long for it."
        (item,) = it.store.items(job.id, ItemState.FAILED)
        assert item.number == 5


async def test_a_voice_that_is_not_there_is_told_before_anything_is_spoken(tmp_path: Path) -> None:
    async with house(tmp_path) as it:
        job = await it.make("script", "A: Hello.", default={"voice": "fake-hihg"})
        assert (job.state, job.progress.items) == (JobState.FAILED, 0)
        assert "there is no voice 'fake-hihg' in this house; did you mean fake-high?" in job.error


async def test_an_engine_that_is_gone_pauses_the_job(tmp_path: Path) -> None:
    engine = FakeEngine()
    async with house(tmp_path, engine) as it:
        await engine.stop()
        job = await it.begin("script", "A: Hello.", default={"voice": "fake-high"})
        async with asyncio.timeout(PATIENCE):
            async for now in it.queue.watch(job.id):
                if now.state is JobState.PAUSED:
                    break
        assert "not running" in now.error
        await engine.start()
        await it.queue.resume(job.id)
        assert (await it.ended(job)).progress.done == 1


KILLED = """
import asyncio, sys
from pathlib import Path
from tests.pipelines.test_production import house, SCRIPT
from koe.engine.fake import FakeEngine

async def main():
    async with house(Path(sys.argv[1]), FakeEngine(pace=4.0, lead_seconds=0.1)) as it:
        text = "".join(f"A: This is line number {number}.\\n" for number in range(30))
        job = await it.begin("script", text, default={"voice": "fake-low"})
        async for now in it.queue.watch(job.id):
            if now.progress.done >= int(sys.argv[2]):
                print(job.id, flush=True)
                await asyncio.Event().wait()

asyncio.run(main())
"""


def killed_after(done: int, folder: Path) -> str:
    """So many items; the id of the job."""
    command = [sys.executable, "-c", KILLED, str(folder), str(done)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[2]) as process:
        assert process.stdout is not None
        job_id = process.stdout.readline().strip()
        process.send_signal(signal.SIGKILL)
    return job_id


@pytest.mark.parametrize("done", [1, 7, 20])
async def test_a_killed_job_is_finished_by_the_next_process(tmp_path: Path, done: int) -> None:
    job_id = killed_after(done, tmp_path)
    store = JobStore(tmp_path / "outputs" / "jobs")
    finished = {item.number for item in store.items(job_id, ItemState.DONE)}
    store.close()
    assert done <= len(finished) < 30
    engine = Counting()
    async with house(tmp_path, engine) as it:
        job = await it.ended(it.store.job(job_id))
        assert (job.state, job.progress.done) == (JobState.FINISHED, 30)
        assert engine.opened == 30 - len(finished)
        assert job.run is not None
        assert len(manifest(it.outputs.get(job.run))["items"]) == 30
