"""Runs are found by text and by what is known of them."""

import sqlite3
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from koe.storage.history import EXCERPT, History, HistoryUnusable, Query
from koe.storage.runs import Runs
from tests.storage.samples import keep


@pytest.fixture
def runs(tmp_path: Path) -> Runs:
    return Runs(tmp_path / "runs")


@pytest.fixture
def history(tmp_path: Path) -> History:
    return History(tmp_path / "history.sqlite")


TEXTS = {
    "de": "Die Wäsche ist fertig; GRÜSSE aus der Straße 7.",
    "en": 'The laundry is done: 100% of it, "all" of it_ and (more) AND* NOT: this!',
    "zh": "北京今天天气很好。",
    "ja": "明日は東京タワーへ行きます。",
    "ko": "안녕하세요 여러분",
    "th": "สวัสดีชาวโลก",
    "ar": "مرحبا بالعالم",
    "hi": "नमस्ते दुनिया",
    "ru": "Привет, мир",
    "emoji": "Happy birthday 🎈🎂",
    "wide": "Ｆｕｌｌ ｗｉｄｔｈ",
}


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("wäsche", "de"),
        ("straße grüsse", "de"),
        ("STRASSE", "de"),
        ("äsch", "de"),
        ("laundry done", "en"),
        ("100%", "en"),
        ('"all"', "en"),
        ("it_", "en"),
        ("(more) AND* NOT:", "en"),
        ("天气", "zh"),
        ("京今", "zh"),
        ("気", None),
        ("東京", "ja"),
        ("タワーへ行", "ja"),
        ("하세요", "ko"),
        ("여", "ko"),
        ("ชาวโลก", "th"),
        ("بالعالم", "ar"),
        ("दुनिया", "hi"),
        ("ПРИВЕТ", "ru"),
        ("🎂", "emoji"),
        ("full width", "wide"),
        ("laundry wäsche", None),
        ("%", "en"),
        ("\0laundry\0", "en"),
        ("'; DROP TABLE runs; --", None),
    ],
)
def test_text_of_every_script_is_found_by_its_parts(
    history: History, runs: Runs, words: str, found: str | None
) -> None:
    made = {keep(runs, text).id: name for name, text in TEXTS.items()}
    history.add(runs.get(run_id) for run_id in made)
    assert [made[entry.id] for entry in history.search(Query(words))] == [found] * (found is not None)


def test_what_is_known_of_a_run_finds_it(history: History, runs: Runs) -> None:
    plain = keep(runs, language="en-GB")
    other = keep(runs, voice="anna", engine="qwen", language="de", task="long-form", seed=2**63 - 1)
    history.add([plain, other])
    history.mark(runs.mark(other.id, favourite=True, pinned=True))
    history.add([other])

    def found(**query: Any) -> list[str]:
        return [entry.id for entry in history.search(Query(**query))]

    # Both may be of the same millisecond.
    assert found() == sorted([other.id, plain.id], reverse=True)
    for query in ({"voice": "anna"}, {"engine": "qwen"}, {"task": "long-form"}, {"language": "de"}):
        assert found(**query) == [other.id]
    assert found(favourite=True) == found(pinned=True) == [other.id]
    assert found(favourite=False) == found(language="en") == found(language="EN-gb") == [plain.id]
    assert found(language="e") == found(language="%") == found(language="en-GB-x") == found(voice="") == []
    now = datetime.now(UTC)
    assert found(since=now - timedelta(minutes=1), until=now + timedelta(minutes=1)) == [other.id, plain.id]
    assert found(until=now - timedelta(minutes=1)) == found(since=now + timedelta(minutes=1)) == []
    [entry] = history.search(Query(voice="anna"))
    assert (entry.seed, entry.favourite, entry.audio, entry.created) == (
        2**63 - 1,
        True,
        "audio.wav",
        other.meta.created,
    )
    assert entry.bytes == other.meta.size


def test_a_long_text_is_found_by_its_end_and_shown_by_its_beginning(history: History, runs: Runs) -> None:
    history.add([keep(runs, "x" * 10_000 + " the very end")])
    [entry] = history.search(Query("very end"))
    assert entry.text == "x" * EXCERPT


def test_a_title_is_shown_and_found_like_a_text(history: History, runs: Runs) -> None:
    history.add([keep(runs, "It was a dark night.", title="The Ghost of Canterville"), keep(runs, "It was late.")])
    [entry] = history.search(Query("canter dark"))
    assert (entry.title, entry.text) == ("The Ghost of Canterville", "It was a dark night.")
    assert [each.title for each in history.search(Query("it was"))] == ["", "The Ghost of Canterville"]


def test_pages_neither_repeat_nor_leave_out_while_runs_come_and_go(history: History, runs: Runs) -> None:
    made = sorted((keep(runs, f"Text {number}.") for number in range(25)), key=lambda run: run.id, reverse=True)
    history.add(made)
    seen: list[str] = []
    while page := history.search(Query("text"), before=seen[-1] if seen else "", limit=10):
        seen += [entry.id for entry in page]
        history.add([keep(runs, "Text that is new.")])
        history.remove([made[0].id])
    assert seen == [run.id for run in made]


def test_what_was_removed_is_not_found(history: History, runs: Runs) -> None:
    run = keep(runs)
    history.add([run, run])
    assert len(history.search(Query("hello"))) == 1
    history.remove([run.id, "nobody"])
    assert history.search(Query("hello")) == history.search(Query()) == []
    assert (history.ids(), history.bytes()) == (set(), 0)


@pytest.mark.parametrize("content", [b"no database", b"SQLite format 3\0" + bytes(5000)])
def test_damage_is_told(tmp_path: Path, history: History, runs: Runs, content: bytes) -> None:
    (tmp_path / "history.sqlite").write_bytes(content)
    with pytest.raises(HistoryUnusable):
        history.check()
    history.reset()
    history.check()
    history.add([keep(runs)])
    assert len(history.search(Query("hello"))) == 1


def test_another_version_is_told(tmp_path: Path, history: History) -> None:
    with sqlite3.connect(tmp_path / "history.sqlite") as db:
        db.execute("CREATE TABLE runs (id)")
        db.execute("PRAGMA user_version = 7")
    db.close()
    with pytest.raises(HistoryUnusable, match="version 7"):
        history.ids()
