"""Productions done again, with the same seeds or others, and the best take of several kept."""

import shutil
from pathlib import Path
from typing import Any

import pytest

from koe.core.effects import CHAIN
from koe.core.errors import MalformedInput, RequestError, UnknownRun, UnsupportedAbility
from koe.core.voice import Voice
from koe.engine import SpeechOptions
from koe.engine.fake import FakeEngine, FakeStream
from koe.pipelines.again import do_again
from koe.pipelines.keep_take import keep_take
from koe.pipelines.speak import SpeechInput
from koe.storage.job import JobState
from koe.storage.run import Run
from koe.voices import making
from koe.voices.store import VoiceStore
from tests.pipelines.test_production import SCRIPT, SPEAKERS, House, house, manifest


class Seeded(FakeEngine):
    """It draws seeds, as an engine with a model does."""

    drawn = 0

    def open(self, voice: Voice, options: SpeechOptions) -> FakeStream:
        stream = super().open(voice, options)
        if options.seed is None:
            self.drawn += 1
        stream.seed = 1000 + self.drawn if options.seed is None else options.seed
        stream.checkpoint = "tones"
        return stream


async def again(it: House, run: Run, seed: Any) -> Run:
    job = await it.ended(await do_again(it.queue, it.store, run, seed))
    assert (job.state, job.title, job.error) == (JobState.FINISHED, "A title", "")
    assert job.run is not None
    return it.outputs.get(job.run)


def seeds(run: Run) -> list[int | None]:
    return [item.get("seed") for item in manifest(run)["items"]]


async def test_a_script_is_done_again_with_the_seeds_that_were_drawn(tmp_path: Path) -> None:
    options = {**SPEAKERS, "speakers": {**SPEAKERS["speakers"], "Bert": {"voice": "fake-low", "seed": 5}}}  # type: ignore[dict-item]
    async with house(tmp_path, Seeded()) as it:
        first = await it.run("script", SCRIPT, {"format": "flac"}, **options)
        assert seeds(first)[1] == 5
        same = await again(it, first, "same")
        assert seeds(same) == seeds(first)
        assert (same.input()["options"], same.input()["output"]) == (first.input()["options"], {"format": "flac"})
        # Also of what was done again itself.
        assert seeds(await again(it, same, "same")) == seeds(first)
        new = await again(it, same, "new")
        assert not set(seeds(new)) & set(seeds(first))
        assert seeds(await again(it, first, 7)) == [7, 7, 7]
        assert (first.meta.checkpoint, manifest(first)["items"][0]["checkpoint"]) == ("tones", "tones")


async def test_variations_are_done_again_under_their_seeds(tmp_path: Path) -> None:
    async with house(tmp_path, Seeded()) as it:
        first = await it.run("variations", "Good morning.", count=3)
        assert [file.name for file in (await again(it, first, "same")).meta.files] == [
            file.name for file in first.meta.files
        ]
        new = await again(it, first, "new")
        assert len(set(seeds(new)) | set(seeds(first))) == 6
        assert seeds(await again(it, first, 2**63 - 1)) == [2**63 - 1, 0, 1]


async def test_an_engine_without_seeds_does_it_again_as_well(tmp_path: Path) -> None:
    async with house(tmp_path) as it:
        for kind, text in (("script", "Anna: Hello."), ("variations", "Hello.")):
            options = {"default": {"voice": "fake-low"}} if kind == "script" else {"count": 2}
            first = await it.run(kind, text, **options)
            assert seeds(await again(it, first, "same")) == seeds(first)


async def test_what_can_not_be_done_again_says_why(tmp_path: Path) -> None:
    async with house(tmp_path, Seeded()) as it:
        first = await it.run("script", SCRIPT, **SPEAKERS)
        older = first.meta.model_copy(update={"files": first.meta.files[:1]})
        with pytest.raises(UnsupportedAbility, match="an older Koe"):
            await do_again(it.queue, it.store, Run(first.folder, older, first.flags), "same")
        other = Run(first.folder, first.meta.model_copy(update={"task": "compose"}), first.flags)
        with pytest.raises(UnsupportedAbility, match="compose can't be done again"):
            await do_again(it.queue, it.store, other, "same")
        job = await do_again(it.queue, it.store, first, "same")
        it.outputs.remove(first.id)
        ended = await it.ended(job)
        # Its seeds were read already, or are gone with it.
        assert ended.state is JobState.FINISHED or "there is no run" in ended.error
        with pytest.raises(UnknownRun):
            await do_again(it.queue, it.store, first, "same")


async def test_the_best_variation_becomes_a_favourite_run_that_can_be_done_again(tmp_path: Path) -> None:
    async with house(tmp_path, Seeded()) as it:
        how = {"voice": "fake-low", "speed": 1.5, "language": "en-US", "effects": ["reverb:wet=0.2"]}
        run = await it.run("variations", "Good morning.", how=how, seeds=[3, 8])
        kept = keep_take(it.outputs, VoiceStore(tmp_path), run, "002-seed-8.wav")
    assert (kept.flags.favourite, kept.meta.task, kept.meta.seed, kept.meta.checkpoint) == (True, "speech", 8, "tones")
    assert kept.file("audio.wav").read_bytes() == run.file("002-seed-8.wav").read_bytes()
    effects = CHAIN.validate_python(["reverb:wet=0.2"])
    wanted = SpeechInput(text="Good morning.", voice="fake-low", language="en-US", seed=8, speed=1.5, effects=effects)
    assert SpeechInput.model_validate(kept.input()) == wanted


async def test_its_seed_becomes_that_of_a_voice_that_was_made_here(tmp_path: Path) -> None:
    async with house(tmp_path, Seeded()) as it:
        voices = it.voices
        base = next(voice for voice in FakeEngine().voices() if voice.id == "fake-low")
        making.vary(voices, "Anna", base)
        run = await it.run("variations", "Good morning.", how={"voice": "anna"}, seeds=[3, 8])
        keep_take(it.outputs, voices, run, "001-seed-3.wav", as_default=True)
        assert voices.get("anna").seed == 3
        built_in = await it.run("variations", "Good morning.", how={"voice": "fake-low"}, seeds=[3])
        with pytest.raises(RequestError, match=r"voices add .* --base fake-low --seed 3"):
            keep_take(it.outputs, voices, built_in, "001-seed-3.wav", as_default=True)
        assert len([*it.outputs._runs.names()]) == 3


async def test_a_take_that_can_not_be_kept_says_why(tmp_path: Path) -> None:
    voices = VoiceStore(tmp_path)
    async with house(tmp_path) as it:
        run = await it.run("variations", "Good morning.", count=1, how={"voice": "fake-low"})
        (item,) = manifest(run)["items"]
        with pytest.raises(UnknownRun, match=rf"no take '../x'; it has {item['file']}"):
            keep_take(it.outputs, voices, run, "../x")
        with pytest.raises(RequestError, match="without seeds"):
            keep_take(it.outputs, voices, run, item["file"], as_default=True)
        play = await it.run("script", SCRIPT, **SPEAKERS)
        with pytest.raises(UnsupportedAbility, match="holds 3 items"):
            keep_take(it.outputs, voices, play, "script.wav")
        (play.folder / "manifest.json").write_text("{}")
        with pytest.raises(MalformedInput, match="damaged"):
            keep_take(it.outputs, voices, play, "script.wav")
        kept = keep_take(it.outputs, voices, run, item["file"])
        with pytest.raises(UnsupportedAbility, match="no takes"):
            keep_take(it.outputs, voices, kept, "audio.wav")
        shutil.rmtree(run.folder)
        with pytest.raises(UnknownRun):
            keep_take(it.outputs, voices, run, item["file"])
