"""Design then clone, as a job: candidates, and the voice that one of them becomes."""

import io
import json
import signal
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from koe.core.errors import RequestError
from koe.core.pcm import duration
from koe.core.samples import sample
from koe.core.voice import Voice, VoiceKind
from koe.engine import Priority, SpeechOptions
from koe.engine.fake import FakeEngine, FakeStream
from koe.pipelines.design_clone import Candidate, Design, Designer
from koe.pipelines.design_plan import DesignOptions, plan_design
from koe.storage.job import ItemState, JobState
from koe.storage.jobs import JobStore
from koe.voices import making
from koe.voices.store import VoiceStore
from tests.pipelines.test_production import house, manifest

SAILOR = "a calm old\nsailor"


class Designing(FakeEngine):
    """Tones, under the name of the engine that designs."""

    name = "qwen"

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.asked: list[SpeechOptions] = []

    def open(self, voice: Voice, options: SpeechOptions) -> FakeStream:
        self.asked.append(options)
        return super().open(self.voices()[0], options)


async def test_a_description_becomes_candidates_and_a_voice(tmp_path: Path) -> None:
    engine = Designing()
    async with house(tmp_path, engine) as it:
        wish = {"name": "Old sailor", "candidate": 2}
        run = await it.run("design", SAILOR, None, seeds=[7, 8, 9], language="de", keep=wish)
    assert {(each.description, each.language, each.priority) for each in engine.asked} == {
        ("a calm old sailor", "de-DE", Priority.BATCH)
    }
    assert sorted(each.seed or 0 for each in engine.asked) == [7, 8, 9]
    assert [file.name for file in run.meta.files][:3] == ["01-seed-7.wav", "02-seed-8.wav", "03-seed-9.wav"]
    told = manifest(run)
    assert (told["description"], told["kept"]) == ("a calm old sailor", {"candidate": 2, "voice": "old-sailor"})
    profile = VoiceStore(tmp_path).get("old-sailor")
    assert (profile.kind, profile.design, profile.transcript) == (VoiceKind.DESIGNED, "a calm old sailor", sample("de"))
    # Another one can be kept later, as of a design by hand.
    designer = Designer(tmp_path)
    design = designer.get(told["design"])
    assert [(each.number, each.seed) for each in design.candidates] == [(1, 7), (2, 8), (3, 9)]
    heard, rate = soundfile.read(designer.clip(design, 3), dtype="int16")
    assert abs(duration(heard.nbytes, rate) - design.candidates[2].duration) < 0.001
    assert designer.keep(VoiceStore(tmp_path), design.id, 3, "Old sailor").profile.id == "old-sailor-2"


async def test_without_a_name_nothing_is_kept_but_the_design(tmp_path: Path) -> None:
    async with house(tmp_path, Designing()) as it:
        run = await it.run("design", SAILOR, count=2)
    assert "kept" not in manifest(run)
    assert VoiceStore(tmp_path).profiles() == ()
    assert [design.id for design in Designer(tmp_path).designs()] == [manifest(run)["design"]]


async def test_a_voice_is_not_made_twice_where_a_crash_came_after_it(tmp_path: Path) -> None:
    async with house(tmp_path, Designing()) as it:
        job = await it.make("design", SAILOR, count=1, keep={"name": "Old sailor"})
        kind = it.queue._kinds["design"]
        # What was made is gone; it is made again, to the same sound.
        for item in it.store.every_item(job.id, ItemState.DONE):
            assert await kind.make(job, item) == item.result
        assert await kind.finish(job) != job.run
    assert [profile.id for profile in VoiceStore(tmp_path).profiles()] == ["old-sailor"]
    assert len(Designer(tmp_path).designs()) == 1


async def test_where_nothing_can_be_kept_the_candidates_are_still_there(tmp_path: Path) -> None:
    async with house(tmp_path, Designing()) as it:
        job = await it.make("design", SAILOR, count=1, keep={"name": "Old sailor", "id": "sailor"})
        making.edit(it.voices, "sailor", name="Somebody else")
        kind = it.queue._kinds["design"]
        for item in it.store.every_item(job.id, ItemState.DONE):
            await kind.make(job, item)
        with pytest.raises(
            RequestError, match=r"a voice sailor already.* voices keep a-calm-old-sailor-\w+ NUMBER NAME"
        ):
            await kind.finish(job)
    assert len(Designer(tmp_path).designs()) == 1


def tone(folder: Path, name: str, seconds: float, level: float) -> Path:
    time = np.arange(round(24_000 * seconds)) / 24_000
    # Swelling, as speech is: a tone without end has no background to stand out of.
    sound = level * np.sin(2 * np.pi * 220 * time) * np.clip(np.sin(2 * np.pi * 2 * time), 0, 1)
    soundfile.write(folder / name, sound, 24_000)
    return folder / name


def test_the_best_is_the_one_that_makes_the_best_reference(tmp_path: Path) -> None:
    text = sample("en")
    design = Design("sailor", "a sailor", text, "en-US", datetime.now(UTC))
    sounds = {
        1: tone(tmp_path, "short.wav", 1.0, 0.3),
        2: tone(tmp_path, "clipped.wav", 6.0, 4.0),
        3: tone(tmp_path, "slow.wav", 12.0, 0.3),
        4: tone(tmp_path, "good.wav", 6.0, 0.3),
    }
    numbered = tuple(Candidate(number, number, 1.0) for number in sounds)
    designer = Designer(tmp_path)
    made = Design(design.id, design.description, text, design.language, design.created, numbered)
    designer.add(made, sounds)
    assert designer.best(made) == 4


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"text": "Na. " * 400}, "takes about"),
        ({"text": "?!"}, "nothing to say"),
        ({"keep": {"name": "Anna", "id": "anna"}}, "there is a voice 'anna' already"),
    ],
)
def test_what_can_not_be_designed_is_told_before(options: dict[str, object], words: str) -> None:
    plan = plan_design(io.BytesIO(b"a sailor"), DesignOptions.model_validate(options), ["anna"])
    assert not plan.is_ready
    assert words in " ".join(map(str, plan.problems))


def test_the_candidate_to_keep_is_one_of_them() -> None:
    with pytest.raises(ValueError, match="there are 2 candidates, and no 3"):
        DesignOptions.model_validate({"count": 2, "keep": {"name": "Anna", "candidate": 3}})


async def test_without_an_engine_that_designs_the_job_waits(tmp_path: Path) -> None:
    async with house(tmp_path) as it:
        job = await it.begin("design", SAILOR)
        async for now in it.queue.watch(job.id):
            if now.state is JobState.PAUSED:
                break
        assert "no voice can be designed" in now.error


KILLED = """
import asyncio, sys
from pathlib import Path
from typing import Any
from tests.pipelines.test_design_job import Designing, house, SAILOR

async def main():
    async with house(Path(sys.argv[1]), Designing(pace=20.0, lead_seconds=0.1)) as it:
        job = await it.begin("design", SAILOR, None, count=10, keep={"name": "Old sailor"})
        async for now in it.queue.watch(job.id):
            if now.progress.done >= 4:
                print(job.id, flush=True)
                await asyncio.Event().wait()

asyncio.run(main())
"""


def killed(folder: Path) -> str:
    """In the middle of a design; the id of the job."""
    command = [sys.executable, "-c", KILLED, str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[2]) as process:
        assert process.stdout is not None
        job_id = process.stdout.readline().strip()
        process.send_signal(signal.SIGKILL)
    return job_id


async def test_a_killed_design_goes_on_with_the_same_candidates(tmp_path: Path) -> None:
    job_id = killed(tmp_path)
    store = JobStore(tmp_path / "outputs" / "jobs")
    items = list(store.every_item(job_id))
    before = sum(item.state is ItemState.DONE for item in items)
    store.close()
    assert 4 <= before < 10
    engine = Designing()
    async with house(tmp_path, engine) as it:
        job = await it.ended(it.store.job(job_id))
        assert (job.state, job.progress.done, len(engine.asked)) == (JobState.FINISHED, 10, 10 - before)
        assert job.run is not None
        told = json.loads((it.outputs.get(job.run).folder / "manifest.json").read_text())
    planned = [item.spec["how"]["seed"] for item in items]  # type: ignore[index]
    assert [each.seed for each in Designer(tmp_path).get(told["design"]).candidates] == planned
    assert [profile.id for profile in VoiceStore(tmp_path).profiles()] == ["old-sailor"]
