import io
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from koe.core.errors import KoeError, LimitExceeded, MalformedInput, NothingToSpeak
from koe.pipelines.plan import Plan
from koe.pipelines.subtitle_dub import DubOptions, plan_dub
from koe.pipelines.subtitle_file import read_subtitles

VOICES = ["granny", "wolf"]
SRT = """1
00:00:01,000 --> 00:00:02,500
<i>Hello</i>
there.

2
00:01:02,030 --> 01:00:04,000 X1:40 X2:600
Café &amp; tea.
"""
VTT = """WEBVTT - a title
Kind: captions

STYLE
::cue { color: red }

REGION
id:fred

NOTE not said
nor this

intro
00:01.000 --> 00:02.000 align:start
<v Anna>Hello</v>

01:00:05.500 --> 01:00:08.000
<v.loud Bob>Good <c.x>day</c>, <00:06.000>all.
"""


def planned(text: str | bytes, **options: Any) -> Plan:
    data = text.encode() if isinstance(text, str) else text
    return plan_dub(io.BytesIO(data), DubOptions.model_validate(options), VOICES)


def told(plan: Plan) -> list[tuple[str, str]]:
    return [(each.where, each.wrong) for each in plan.problems]


def spoken(plan: Plan) -> list[tuple[float | None, float | None, str]]:
    return [(item.start, item.end, item.text) for item in plan.items]


HEARD = [(1.0, 2.5, "Hello there."), (62.03, 3604.0, "Café & tea.")]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
def test_srt_is_read_however_it_was_saved(encoding: str, line_end: str) -> None:
    plan = planned(SRT.replace("\n", line_end).encode(encoding))
    assert spoken(plan) == HEARD
    assert plan.is_ready and not plan.problems


def test_an_encoding_that_was_guessed_is_told() -> None:
    plan = planned(SRT.encode("cp1252"))
    assert spoken(plan) == HEARD
    assert "Windows-1252" in plan.problems[0].wrong and plan.is_ready


def test_vtt_is_spoken_without_its_notes_and_tags_by_the_voices_of_its_speakers() -> None:
    plan = planned(VTT, voices={"anna": {"voice": "granny"}, "Bob": {"voice": "wolf"}})
    assert spoken(plan) == [(1.0, 2.0, "Hello"), (3605.5, 3608.0, "Good day, all.")]
    assert [(item.group, item.how.voice) for item in plan.items] == [("Anna", "granny"), ("Bob", "wolf")]
    assert not plan.problems and {item.file for item in plan.items} == {"dub"}


def test_for_speakers_without_a_voice_the_one_for_all_speaks() -> None:
    plan = planned(VTT, how={"voice": "wolf"}, voices={"bob": {"voice": "granny"}})
    assert [(item.group, item.how.voice) for item in plan.items] == [("Anna", "wolf"), ("Bob", "granny")]
    assert plan.is_ready and not plan.problems
    assert plan.default_speakers == ("Anna",)
    assert planned(VTT).default_speakers == ("Anna", "Bob")


def test_an_unknown_voice_of_a_speaker_is_told() -> None:
    plan = planned(VTT, voices={"Anna": {"voice": "granny"}, "Bob": {"voice": "grany"}})
    assert told(plan) == [("speaker Bob", "there is no voice 'grany' in this house")]
    assert not plan.is_ready


def test_every_doubt_is_told_with_the_number_of_its_cue() -> None:
    plan = planned("""\
1
00:00:01,000 --> 00:00:02,000
One.

2
00:00:01,500 --> 00:00:03,000
Two.

And more.
3
00:00:0x,000 --> 00:00:09,000
lost

4
00:00:10,000 --> 00:00:11,000

5
00:00:12,000 -> 00:00:13,000
Five.
6
00:00:08,000 --> 00:00:09,500
[door slams]
7
00:00:08,000 --> 00:00:09,500
Seven.

8
00:00:20,000 --> 00:00:19,000
Eight.

9
99:00:01,000 --> 99:00:02,000
Too late.

10
00:00:21,000 --> 00:00:21,500
Far too many words for half a second, which nobody could ever say.
""")
    assert spoken(plan) == [
        (1.0, 2.0, "One."),
        (1.5, 3.0, "Two. And more."),
        (8.0, 9.5, "Seven."),
        (12.0, 13.0, "Five."),
        (20.0, 19.0, "Eight."),
        (21.0, 21.5, "Far too many words for half a second, which nobody could ever say."),
    ]
    assert told(plan) == [
        ("line 18", "'00:00:12,000 -> 00:00:13,000' is no arrow between times"),
        ("cue 3 (line 11)", "its times can't be read: '00:00:0x,000 --> 00:00:09,000'"),
        ("cue 4 (line 15)", "it has no text"),
        ("cue 6 (line 21)", "'[door slams]' is nothing that anybody says"),
        ("cue 9 (line 32)", "its times can't be read: '99:00:01.000 --> 99:00:02.000'"),
        ("cue 2 (line 6)", "it starts at 0:00:01.500, while cue 1 goes on until 0:00:02.000"),
        ("cue 7 (line 24)", "it starts at 0:00:08.000, earlier than cue 5 above it (0:00:12.000)"),
        ("cue 8 (line 28)", "it ends at 0:00:19.000, not after its start at 0:00:20.000"),
        ("cue 10 (line 36)", "about 3.9 s of speech have 0.5 s"),
    ]
    assert plan.is_ready


def test_srt_without_numbers_is_read_too() -> None:
    assert spoken(planned("\n00:00:01,000 --> 00:00:02,500\nHello there.\n")) == HEARD[:1]


@pytest.mark.parametrize(
    ("data", "error"),
    [
        (b"", NothingToSpeak),
        (b"Once upon a time.\n", MalformedInput),
        (b"\x7fELF" + bytes(range(256)) * 20, MalformedInput),
        (b"1\n00:00:01,000 --> 00:00:02,000\nx\n\n" * 50_001, LimitExceeded),
        (b"x" * (8 * 1024 * 1024 + 1), LimitExceeded),
    ],
)
def test_what_is_no_subtitles_is_refused(data: bytes, error: type[KoeError]) -> None:
    with pytest.raises(error):
        planned(data)


@pytest.mark.parametrize("filler", ["<", "<v ", "{\\", "00:00:01,000 ", "--> ", "&", "♪", "[", "1\n", "\n", "<v a>x"])
def test_no_filler_keeps_it_busy(filler: str) -> None:
    planned(f"{SRT}\n3\n00:00:08,000 --> 00:00:09,500\n{filler * 30_000}")


def test_a_file_of_unreadable_times_has_nothing_to_speak() -> None:
    plan = planned("1\nxx --> yy\nHello.\n")
    assert not plan.is_ready and not plan.items
    assert told(plan)[0] == ("cue 1 (line 2)", "its times can't be read: 'xx --> yy'")


ODD_TIMES = [
    "00:75:00,000 --> 00:76:00,000",
    "99999:00:00,000 --> 99999:00:01,000",
    f"{'9' * 5000}:00:00,000 --> 0:00:01,000",
    f"0:0:1.5 --> 0:0:2,{'3' * 5000} X1:2",
    "00:00:61,5 --> 00:00:62,5",
    "00:00:03,0000001 --> 00:00:03,9999999",
    "00:05.000 --> 00:06.000",
    "00:00:05 --> 00:00:06",
    "-00:00:05,000 --> 00:00:06,000",
    "--> x",
    "",
]
LINES = st.sampled_from(
    [
        *ODD_TIMES,
        "1",
        "2",
        "",
        "",
        "Hello.",
        "NOTE x",
        "STYLE",
        "<v Anna>Hi",
        "[noise]",
        "00:00:01,000 --> 00:00:02,000",
    ]
)


@pytest.mark.parametrize("times", ODD_TIMES)
@pytest.mark.parametrize("start", ["1\n", "WEBVTT\n\n1\n", ""])
def test_an_odd_time_costs_no_other_cue(start: str, times: str) -> None:
    right = "00:00:09.000 --> 00:00:10.000\nAfter.\n"
    plan = planned(f"{start}00:00:01.000 --> 00:00:02.000\nBefore.\n\n2\n{times}\nOdd.\n\n3\n{right}")
    assert spoken(plan)[0] == (1.0, 2.0, plan.items[0].text)
    assert (9.0, 10.0, "After.") in spoken(plan)


@given(st.sampled_from(["", "WEBVTT\n\n", "1\n"]), st.lists(LINES, max_size=30))
def test_every_cue_is_spoken_or_told(start: str, lines: list[str]) -> None:
    text = start + "\n".join(lines)
    try:
        read = read_subtitles(io.BytesIO(text.encode()))
    except KoeError:
        return
    left_out = {re.match(r"cue (\d+) ", each.where) for each in read.problems if "left out" in each.right}
    numbers = {cue.number for cue in read.cues} | {int(match[1]) for match in left_out if match}
    assert numbers == set(range(1, text.count("-->") + 1))
