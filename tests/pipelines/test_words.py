"""Word times of runs: of one text, and of productions with many."""

import io
import re
import zipfile
from collections.abc import AsyncIterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from koe.audio.align.process import Aligner
from koe.core.errors import MalformedInput, UnknownRun, UnsupportedAbility
from koe.engine.espeak import EspeakEngine
from koe.pipelines.speak import SpeechInput
from koe.pipelines.subtitle_file import read_subtitles
from koe.pipelines.word_files import as_srt, as_vtt
from koe.pipelines.words import WordTimer
from koe.storage.archive import zip_pieces
from koe.storage.run import Run
from koe.storage.words import FileWords, Word, Words
from tests.pipelines.test_production import House, house, manifest
from tests.storage.samples import description

pytestmark = pytest.mark.skipif(find_spec("pocketsphinx") is None, reason="the extra `align` is not installed")

DEADLINE = 50.0
VOICE = "espeak-en-us"
SCRIPT = """\
Anna: Is the kettle on? It is 5 o'clock.
Bert: It is, and it has been for a while.
Anna: Then where is my tea?
"""
SPEAKERS: dict[str, Any] = {
    "speakers": {"Anna": {"voice": VOICE, "language": "en"}, "Bert": {"voice": "espeak-en", "language": "en"}}
}
SUBTITLES = """\
1
00:00:01,000 --> 00:00:03,000
Good evening.

2
00:00:01,500 --> 00:00:05,000
Somebody is at the door.
"""


@pytest_asyncio.fixture
async def it(tmp_path: Path) -> AsyncIterator[House]:
    async with house(tmp_path, EspeakEngine()) as house_:
        yield house_


def timer(it: House, *languages: str) -> WordTimer:
    return WordTimer(it.outputs, Aligner(deadline=DEADLINE), lambda voice: languages)


def told(words: FileWords) -> list[str]:
    """Each word as it stands in the text."""
    return [words.text[slice(*word.characters)] for word in words.words]


async def test_a_production_has_the_words_of_each_item_at_their_times_in_its_files(it: House) -> None:
    run = await it.run("script", SCRIPT, {"whole": True, "format": "flac"}, separate=True, **SPEAKERS)
    assert not run.has_words
    with pytest.raises(UnknownRun, match="have not been timed"):
        run.words()
    progress: list[tuple[int, int]] = []
    words = await timer(it).time(run.id, done=lambda done, of: progress.append((done, of)))
    assert progress == [(1, 3), (2, 3), (3, 3)]
    assert (words.aligner, words.language, it.outputs.get(run.id).words()) == ("pocketsphinx", "en", words)
    *own, whole = words.files
    items = manifest(run)["items"]
    assert [file.file for file in own] == [item["file"] for item in items]
    assert whole.file == "all.flac"
    assert whole.text == "\n".join(item["text"] for item in items)
    shifted: list[tuple[str, float]] = []
    for file, item in zip(own, items, strict=True):
        assert told(file) == item["text"].split()
        assert all(0 <= word.start <= word.end <= round(item["seconds"], 3) for word in file.words)
        shifted += [(word.word, word.start + item["in_whole"]) for word in file.words]
    assert [word.word for word in whole.words] == [word for word, _ in shifted]
    assert [word.start for word in whole.words] == pytest.approx([start for _, start in shifted], abs=0.002)
    assert told(whole) == whole.text.split()


async def test_lines_in_one_file_follow_each_other_and_the_subtitles_can_be_read_again(it: House) -> None:
    run = await it.run("script", SCRIPT, gap=1.0, **SPEAKERS)
    [file] = (await timer(it).time(run.id)).files
    assert told(file) == file.text.split()
    starts = [word.start for word in file.words]
    assert starts == sorted(starts)
    for item in manifest(run)["items"]:
        first, last = file.text.index(item["text"]), file.text.index(item["text"]) + len(item["text"])
        of_item = [word for word in file.words if first <= word.characters[0] < last]
        assert item["start"] - 0.001 <= of_item[0].start
        assert of_item[-1].end <= item["start"] + item["seconds"] + 0.001
    for written in (as_srt(file), as_vtt(file)):
        read = read_subtitles(io.BytesIO(written.encode()))
        assert not read.problems
        assert " ".join(cue.text for cue in read.cues).split() == file.text.split()
        assert read.cues[0].start == file.words[0].start
        assert read.cues[0].text == "Is the kettle on?"


async def test_two_who_speak_at_once_each_keep_their_words(it: House) -> None:
    run = await it.run("subtitles", SUBTITLES, how={"voice": VOICE})
    [file] = (await timer(it, "en-US").time(run.id)).files
    assert sorted(told(file)) == sorted(file.text.split())
    assert file.words[0].start >= 1.0
    assert as_srt(file).startswith("1\n00:00:01,")


async def speech(it: House, text: str, **wanted: Any) -> Run:
    """As `POST /v1/audio/speech` would keep it; here a sound that says something else will do."""
    run = await it.run("variations", "The laundry is done.", count=1, how={"voice": VOICE})
    given = SpeechInput(text=text, voice=VOICE, **wanted)
    with it.outputs.begin("speech", given.model_dump(mode="json")) as draft:
        draft.file("audio.wav").write_bytes(run.file(run.meta.files[0].name).read_bytes())
        return draft.finish(description(text, voice=VOICE, language=wanted.get("language")))


async def test_words_are_of_the_language_that_was_asked_for_or_that_the_voice_speaks(it: House) -> None:
    run = await speech(it, "Die Wäsche ist fertig.")
    with pytest.raises(UnsupportedAbility, match="German"):
        await timer(it).time(run.id)
    assert (await timer(it, "en-US").time(run.id)).language == "en-US"
    assert (await timer(it, "de-DE").time(run.id, "en-GB")).language == "en-GB"
    marked = await speech(it, "<speak>The <emphasis>laundry</emphasis> is done.</speak>", text_format="ssml")
    [file] = (await timer(it).time(marked.id)).files
    assert told(file) == ["The", "laundry", "is", "done."]


async def test_word_times_leave_with_the_run_and_are_no_worse_for_damage(it: House) -> None:
    run = await speech(it, "The laundry is done.")
    await timer(it).time(run.id)
    run = it.outputs.get(run.id)
    with zipfile.ZipFile(io.BytesIO(b"".join(zip_pieces(run)))) as archive:
        assert Words.model_validate_json(archive.read(f"{run.folder.name}/words.json")) == run.words()
    (run.folder / "words.json").write_text('{"files": []}')
    with pytest.raises(UnknownRun, match="timed anew"):
        run.words()
    await timer(it).time(run.id)
    assert len(run.words().files[0].words) == 4
    production = await it.run("variations", "Hello there.", count=2, how={"voice": VOICE})
    (production.folder / "manifest.json").write_text('{"items": [{"file": "../../x.wav", "text": "x"}]}')
    with pytest.raises(MalformedInput, match=r"manifest\.json is damaged"):
        await timer(it).time(production.id)
    item = '{"items": [{"file": "../../x.wav", "text": "x", "voice": ""}]}'
    (production.folder / "manifest.json").write_text(item)
    with pytest.raises(UnknownRun, match="has no file"):
        await timer(it).time(production.id)


def test_what_would_be_a_tag_or_an_arrow_is_written_so_that_it_is_none() -> None:
    text = "<b> --> & 5<6>4"
    places = [(match.start(), match.end()) for match in re.finditer(r"\S+", text)]
    words = tuple(Word(word=text[a:b], start=a / 10, end=b / 10, characters=(a, b)) for a, b in places)
    file = FileWords(file="audio.wav", text=text, words=words)
    assert "&lt;b&gt; --&gt; &amp; 5&lt;6&gt;4" in as_vtt(file)
    assert "‹b› --› & 5‹6›4" in as_srt(file)
    nothing = FileWords(file="audio.wav", text="", words=())
    assert as_vtt(nothing) == "WEBVTT\n"
    assert not as_srt(nothing).strip()
