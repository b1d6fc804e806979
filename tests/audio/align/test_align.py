"""When words are said: held against espeak-ng, which knows when it says them."""

import asyncio
import math
import os
import statistics
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from koe.audio.align.passage import Aligned, Passage
from koe.audio.align.process import Aligner
from koe.core.errors import (
    Busy,
    DeadlineExceeded,
    EngineUnavailable,
    InvalidSsml,
    KoeError,
    MalformedInput,
    UnsupportedAbility,
)
from koe.core.words import TimedWord
from tests.support.espeak import Reading, read_out
from tests.support.waiting import eventually

pytestmark = pytest.mark.skipif(find_spec("pocketsphinx") is None, reason="the extra `align` is not installed")

NEAR = 0.1
"""Seconds."""

DEADLINE = 50.0
"""Seconds: at the lowest priority, an aligner gets what other processes leave."""

SENTENCES = (
    "The laundry is done, and the windows in the kitchen are still open.",
    "Good morning everybody! It is going to rain this afternoon, so please take an umbrella with you.",
    "Somebody is at the front door.",
    "What had happened to the old apple tree? It lay across the path, broken by the wind.",
    "Dinner is ready, come downstairs.",
    "The heating costs $12.50 a day, and it is 21.5 °C in the hall at 10:30.",
    "Mrs. Brzęczyszczykiewicz from NASA asked Zigbee2MQTT and O'Neill-McGhee about their USB sticks.",
    "She sells sea shells by the sea shore, and he watches the boats come home every single evening.",
)
LONG = " ".join(SENTENCES * 2)


async def aligned(folder: Path, texts: Sequence[str], readings: Sequence[Reading]) -> list[Aligned]:
    for number, reading in enumerate(readings):
        soundfile.write(folder / f"{number}.flac", reading.pcm, reading.sample_rate)
    passages = [Passage(file=str(folder / f"{number}.flac"), text=text) for number, text in enumerate(texts)]
    return await Aligner(deadline=DEADLINE).align(passages)


def errors(words: Sequence[TimedWord], reading: Reading) -> list[float]:
    return [abs(word.start - reading.begun[word.first]) for word in words if word.first in reading.begun]


def in_order(words: Sequence[TimedWord], seconds: float) -> bool:
    edges = [edge for word in words for edge in (word.start, word.end)]
    return edges == sorted(edges) and edges[0] >= 0 and edges[-1] <= round(seconds, 3)


async def test_words_begin_when_espeak_begins_them(tmp_path: Path) -> None:
    for voice, rate in (("en-us", 175), ("en-gb", 320)):
        readings = read_out(SENTENCES, voice, rate)
        found = await aligned(tmp_path, SENTENCES, readings)
        off: list[float] = []
        for text, reading, each in zip(SENTENCES, readings, found, strict=True):
            assert (each.aligner, each.language) == ("pocketsphinx", "en")
            assert {text[word.first : word.last] for word in each.words} >= set(text.split()) - {"21.5", "°C"}
            assert in_order(each.words, len(reading.pcm) / reading.sample_rate)
            off += errors(each.words, reading)
        assert len(off) > 80
        assert statistics.median(off) <= NEAR
        assert sorted(off)[int(0.9 * len(off))] <= 2 * NEAR


async def test_the_words_of_a_long_text_stay_in_time_to_its_end(tmp_path: Path) -> None:
    [reading] = read_out([LONG])
    assert len(reading.pcm) / reading.sample_rate > 70
    [found] = await aligned(tmp_path, [LONG], [reading])
    assert len(found.words) >= len(LONG.split()) - 4
    assert in_order(found.words, len(reading.pcm) / reading.sample_rate)
    off = errors(found.words, reading)
    assert statistics.median(off) <= NEAR
    assert statistics.median(off[-40:]) <= NEAR


def tone(seconds: float) -> NDArray[np.int16]:
    return (8000 * np.sin(np.arange(int(24_000 * seconds)) * 440 * math.tau / 24_000)).astype(np.int16)


async def test_where_no_such_words_are_said_every_word_has_a_time_all_the_same(tmp_path: Path) -> None:
    noise = np.random.default_rng(1).integers(-20_000, 20_000, 48_000).astype(np.int16)
    cases = (
        (tone(3), SENTENCES[0]),
        (np.zeros(24_000, np.int16), SENTENCES[0]),
        (np.zeros(10, np.int16), SENTENCES[0]),
        (np.zeros(0, np.int16), "Hello."),
        (np.zeros(24_000 * 35, np.int16), LONG),
        (tone(35), LONG),
        (tone(40), "Hello."),
        (tone(1), LONG),
        (noise, "Ω ॐ 東京, <b>5</b> & 1e999 ½ ’n’ A\u0301!"),
    )
    passages = []
    for number, (pcm, text) in enumerate(cases):
        soundfile.write(tmp_path / f"{number}.wav", pcm, 24_000)
        passages.append(Passage(file=str(tmp_path / f"{number}.wav"), text=text, language="en"))
    found = await Aligner(deadline=DEADLINE).align(passages)
    for (pcm, text), each in zip(cases, found, strict=True):
        assert len(each.words) >= len(text.split()) - 4
        assert in_order(each.words, len(pcm) / 24_000)


async def test_a_part_of_a_file_is_timed_within_it(tmp_path: Path) -> None:
    [before, reading] = read_out(["A sentence that nobody asks for.", SENTENCES[2]])
    soundfile.write(tmp_path / "both.wav", np.concatenate([before.pcm, reading.pcm]), reading.sample_rate)
    start, seconds = len(before.pcm) / before.sample_rate, len(reading.pcm) / reading.sample_rate
    passage = Passage(file=str(tmp_path / "both.wav"), start=start, seconds=seconds, text=SENTENCES[2])
    [found] = await Aligner(deadline=DEADLINE).align([passage])
    off = [abs(word.start - start - reading.begun[word.first]) for word in found.words if word.first in reading.begun]
    assert statistics.median(off) <= NEAR
    # Times are told to a millisecond.
    assert found.words[0].start >= start - 0.001
    assert found.words[-1].end <= start + seconds + 0.001


@pytest.fixture
def sound(tmp_path: Path) -> str:
    soundfile.write(tmp_path / "tone.wav", tone(1), 24_000)
    return str(tmp_path / "tone.wav")


async def test_where_nothing_is_said_there_are_no_words(sound: str) -> None:
    passages = [Passage(file=sound, text=text) for text in ("", "!!! ...", "```python\ncode\n```")]
    assert [each.words for each in await Aligner(deadline=DEADLINE).align(passages)] == [()] * 3


async def test_a_failure_tells_what_is_wrong(tmp_path: Path, sound: str) -> None:
    cases: tuple[tuple[Passage, type[KoeError], str], ...] = (
        (Passage(file=sound, text="Die Wäsche ist fertig."), UnsupportedAbility, r"German.*whisper.*words\.whisper"),
        (Passage(file=str(tmp_path / "none.wav"), text="Hello."), MalformedInput, r"none\.wav"),
        (Passage(file=sound, text="<speak>Hello", text_format="ssml"), InvalidSsml, "line 1"),
    )
    for passage, kind, words in cases:
        with pytest.raises(kind, match=words):
            await Aligner(deadline=DEADLINE).align([passage])


async def test_without_the_extra_the_failure_says_how_to_install_it(
    tmp_path: Path, sound: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "sitecustomize.py").write_text("import sys\nsys.modules['pocketsphinx'] = None\n")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, (str(tmp_path), os.environ.get("PYTHONPATH")))))
    with pytest.raises(EngineUnavailable, match=r"pip install .*align"):
        await Aligner(deadline=DEADLINE).align([Passage(file=sound, text="Hello there.", language="en")])


async def test_a_model_that_is_not_there_is_told_and_never_fetched(sound: str) -> None:
    passage = Passage(file=sound, text="Die Wäsche ist fertig.")
    with pytest.raises(EngineUnavailable, match=r"no model 'no-such-model'|whisper.*isn't installed"):
        await Aligner("no-such-model", deadline=DEADLINE).align([passage])


async def test_one_is_at_work_a_few_wait_and_more_are_refused(sound: str) -> None:
    aligner = Aligner(deadline=DEADLINE)
    passage = Passage(file=sound, text="Hello there.", language="en")
    tasks = [asyncio.ensure_future(aligner.align([passage])) for _ in range(5)]
    done = await asyncio.gather(*tasks, return_exceptions=True)
    assert [type(each) for each in done] == [list] * 4 + [Busy]
    [again] = await aligner.align([passage])
    assert again == done[0][0] if isinstance(done[0], list) else False


async def test_the_process_ends_with_those_who_wait_for_it(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "long.wav", tone(600), 24_000)
    passage = Passage(file=str(tmp_path / "long.wav"), text=LONG * 20, language="en")
    with pytest.raises(DeadlineExceeded, match=r"0\.2 seconds"):
        await Aligner(deadline=0.2).align([passage])
    assert not children()
    aligner = Aligner(deadline=DEADLINE)
    task = asyncio.ensure_future(aligner.align([passage]))
    # Everybody else goes first.
    least = min(os.getpriority(os.PRIO_PROCESS, 0) + 10, 19)
    await eventually(lambda: [os.getpriority(os.PRIO_PROCESS, int(child)) for child in children()] == [least])
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert not children()


def children() -> list[str]:
    """Of this process, those that align."""
    tasks = Path(f"/proc/{os.getpid()}/task").iterdir()
    ids = {each for task in tasks for each in _read(task / "children").decode().split()}
    return [each for each in ids if b"koe.audio.align" in _read(Path(f"/proc/{each}/cmdline"))]


def _read(path: Path) -> bytes:
    """Nothing of a thread or a process that ends meanwhile."""
    try:
        return path.read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return b""
