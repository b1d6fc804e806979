import io
import json
import tracemalloc
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from koe.core.errors import KoeError, MalformedInput, NothingToSpeak
from koe.pipelines.npc_pack import NpcOptions, NpcPack
from koe.pipelines.plan import MOST_PROBLEMS, Plan

VOICES = ["granny", "wolf"]


class Generated(io.RawIOBase):
    """A file that is made while it is read."""

    def __init__(self, lines: Iterator[str]) -> None:
        self._lines = lines
        self._rest = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while len(self._rest) < len(buffer) and (line := next(self._lines, "")):
            self._rest += line.encode()
        taken, self._rest = self._rest[: len(buffer)], self._rest[len(buffer) :]
        buffer[: len(taken)] = taken
        return len(taken)


def pack(text: str | bytes, **options: Any) -> NpcPack:
    data = text.encode() if isinstance(text, str) else text
    return NpcPack(io.BytesIO(data), NpcOptions.model_validate(options), VOICES)


def planned(text: str | bytes, **options: Any) -> Plan:
    return pack(text, **options).plan()


def told(plan: Plan) -> list[tuple[str, str]]:
    return [(each.where, each.wrong) for each in plan.problems]


def test_a_row_says_who_says_what_and_how() -> None:
    plan = planned(
        "Character,Text,VOICE,style,instruct,File Name,Seed,Language,Speed\n"
        'Bob,"Hello, ""you""!",wolf,calm,slowly,bob_01.wav,7,de_DE,1.5\n'
        "Bob,Bye.,,,,,,,\n",
        characters={"bob": {"voice": "granny", "seed": 3}},
    )
    first, second = plan.items
    assert plan.is_ready and not plan.problems
    assert (first.text, first.group, first.file) == ('Hello, "you"!', "Bob", "Bob/bob_01")
    assert first.how.model_dump(exclude_none=True) == {
        "voice": "wolf", "language": "de-DE", "style": "calm", "instruct": "slowly", "seed": 7, "speed": 1.5, "gain": 0,
    }  # fmt: skip
    assert (second.text, second.file, second.how.voice, second.how.seed) == ("Bye.", "Bob/bye", "granny", 3)


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_a_table_is_read_however_it_was_saved(delimiter: str, encoding: str, line_end: str) -> None:
    rows = [["text", "character"], ['"One, two;\ttwo\nthree"', "Ännchen"], [], ["Four.", "Bob"]]
    text = line_end.join(delimiter.join(row) for row in rows)
    plan = planned(text.encode(encoding))
    assert [(item.group, item.text) for item in plan.items] == [("Ännchen", "One, two;\ttwo\nthree"), ("Bob", "Four.")]
    assert not plan.problems


def test_one_json_object_a_line_is_a_table_too() -> None:
    lines = [
        {"Character": "Bob", "text": 42, "seed": "7", "voice": None},
        {"character": "Bob", "text": "Bye.", "mood": 1},
    ]
    plan = planned("\n" + "\n\n".join(map(json.dumps, lines)) + '\n{"a":\n[1]\n"x"\n')
    assert [(item.text, item.how.seed) for item in plan.items] == [("42", 7), ("Bye.", None)]
    assert [each.where for each in plan.problems] == ["line 4", "line 5", "line 6", "line 7"]
    assert plan.problems[0].wrong == "the column 'mood' is unknown"


def test_bad_rows_are_told_by_their_lines_and_the_others_kept() -> None:
    plan = planned(
        "character,text,seed,voice,mood\n"
        "Bob,One.,,,sad\n"
        ",Two.,,,\n"
        "Bob,,,,\n"
        "Bob,Four.,x,,\n"
        "Bob,Five, with a comma.,,,,\n"
        'Bob,"Six" and more,,,\n'
        "Bob,...,,,\n"
        "Bob,Eight.,,grany,\n"
        'Bob,"Nine,,,\n'
        "Bob,Ten.,,,\n" + "Bob,More.,,,\n" * 60,
    )
    assert told(plan) == [
        ("line 1", "the column 'mood' is unknown"),
        ("line 3", "the character is missing"),
        ("line 4", "the text is missing"),
        (
            "line 5",
            "the seed 'x' isn't right: should be a valid integer, unable to parse string as an integer",
        ),
        (
            "line 6",
            "the seed 'with a comma.' isn't right: should be a valid integer, unable to parse string as an integer",
        ),
        ("line 7", "the quotes in it are wrong (',' expected after '\"')"),
        ("line 8", "there is nothing to say in '...'"),
        ("line 9", "there is no voice 'grany' in this house"),
        ("line 10", "the quotes in it are wrong (a quote that opens here isn't closed within 50 lines)"),
    ]
    assert [item.text for item in plan.items[:3]] == ["One.", "Eight.", "Ten."]
    assert plan.totals.items == 63
    assert not plan.is_ready


def test_a_quote_that_is_open_at_the_end_costs_one_row() -> None:
    plan = planned('character,text\nBob,"One.\nBob,Two.\n')
    assert [item.text for item in plan.items] == ["Two."]
    assert [each.where for each in plan.problems] == ["line 2"]


def test_many_bad_rows_are_counted_and_the_first_kept() -> None:
    plan = planned("character,text\n" + ",x\n" * 5000 + "Bob,Yes.\n")
    assert len(plan.problems) == MOST_PROBLEMS and plan.problem_count == 5000
    assert [item.text for item in plan.items] == ["Yes."] and plan.is_ready


def test_file_names_are_safe_and_none_is_given_twice() -> None:
    plan = planned(
        "character,text,file\n"
        "Bob,Hello!,\nBob,Hello?,\nBOB,hello,\nB/ob,Hello,\nB:ob,Hello,\n"
        "Con,Who is there in the dark of the night and the wind,\n"
        "../etc,x,../../passwd.wav\n山田,はい,\nBob,x,nul.wav\nBob,x,a.wav\nBob,y,A.mp3\n"
    )
    assert [item.file for item in plan.items] == [
        "Bob/hello", "Bob/hello-3", "Bob/hello-4", "B-ob/hello", "B-ob-6/hello",
        "Con_/who-is-there-in-the-dark-of-the-night-an", "etc/passwd", "山田/はい", "Bob/nul_", "Bob/a", "Bob/A-12",
    ]  # fmt: skip
    assert [each.where for each in plan.problems] == ["line 8", "line 10", "line 12"]


def test_a_line_that_is_too_long_is_left_out() -> None:
    plan = planned(f"character,text\nBob,One.\nBob,{'x' * 250_000}\nBob,{'y ' * 20_000}\nBob,Four.\n")
    assert [item.text for item in plan.items] == ["One.", "Four."]
    assert [each.where for each in plan.problems] == ["line 3", "line 4"]


def test_an_encoding_that_was_guessed_is_told_and_what_cannot_be_read_left_out() -> None:
    assert [item.text for item in planned("character,text\nBob,Café\n".encode("cp1252")).items] == ["Café"]
    late = b"character,text\n" + b"Bob,Yes.\n" * 10_000 + b"Bob,Caf\xe9\nBob,Last.\n"
    plan = pack(late).plan(most_items=20_000)
    assert [each.where for each in plan.problems] == ["line 10002"]
    assert plan.items[-1].text == "Last." and plan.totals.items == 10_001


@pytest.mark.parametrize(
    ("data", "error", "words"),
    [
        (b"", NothingToSpeak, "empty"),
        (b"\n\r\n \n", NothingToSpeak, "empty"),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + bytes(range(256)) * 20, MalformedInput, "no text"),
        (b"Bob,Hello.\n", MalformedInput, "no column character and no column text"),
        (b"character,voice\nBob,wolf\n", MalformedInput, "no column text"),
        (b"character,text,Line\nBob,a,b\n", MalformedInput, "two columns"),
        (b'"', MalformedInput, "no column"),
    ],
)
def test_what_is_no_table_is_refused_in_words(data: bytes, error: type[KoeError], words: str) -> None:
    with pytest.raises(error, match=words):
        pack(data)


def test_a_header_alone_has_nothing_to_speak() -> None:
    plan = planned("character,text\n")
    assert not plan.is_ready and told(plan) == [("", "there is nothing to speak")]


def as_csv(count: int) -> Iterator[str]:
    yield "character,text\n"
    for number in range(count):
        yield f"Guard {number % 50},Halt! Who is number {number % 3000}?\n"


def as_json(count: int) -> Iterator[str]:
    for number in range(count):
        yield f'{{"character": "Guard {number % 50}", "text": "Halt! Who is number {number % 3000}?"}}\n'


def test_a_hundred_thousand_rows_are_one_pass_with_figures() -> None:
    table = NpcPack(io.BufferedReader(Generated(as_csv(100_000))), NpcOptions(), VOICES)
    plan = table.plan(most_items=10)
    assert (plan.totals.items, len(plan.items), plan.problem_count) == (100_000, 10, 0)
    assert plan.totals.seconds > 100_000


@pytest.mark.parametrize("lines", [as_csv, as_json])
def test_rows_that_went_by_take_no_memory(lines: Callable[[int], Iterator[str]]) -> None:
    items = iter(NpcPack(io.BufferedReader(Generated(lines(6_000))), NpcOptions(), VOICES))
    tracemalloc.start()
    try:
        for _ in range(2_000):
            next(items)
        before = tracemalloc.get_traced_memory()[0]
        files = sum(1 for _ in items)
        assert files == 4_000
        assert tracemalloc.get_traced_memory()[0] - before < 200_000
    finally:
        tracemalloc.stop()


CELLS = st.lists(st.sampled_from(["Bob", "Hi.", ",", ";", '"', '""', "\n", "\r\n", "7", "\\", "'", "{", "}", "é"]))


@given(st.sampled_from(["character,text\n", "text;character;seed\n", '{"character":"a","text":"b"}\n']), CELLS)
def test_no_table_breaks_it(header: str, cells: list[str]) -> None:
    plan = planned(header + "".join(cells))
    assert len({item.file for item in plan.items}) == len({item.id for item in plan.items}) == plan.totals.items
