import pytest

from koe.core.subtitles import Cue, clock, cues_of, doubts, in_order, is_said


def cue(number: int, start: float, end: float, text: str = "Hello.") -> Cue:
    return Cue(number, 10 * number, start, end, text)


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        ("<i>Hello</i>\n<font color='red'>there</font>", "Hello there"),
        ("{\\an8}Hello <00:00:01.500><c.loud>there</c>", "Hello there"),
        ("Salt &amp; pepper &lt;3", "Salt & pepper <3"),
        ("1 < 2 and 3 > 2", "1 < 2 and 3 > 2"),
    ],
)
def test_tags_are_not_said(raw: str, text: str) -> None:
    assert [each.text for each in cues_of(1, 1, 0, 1, raw)] == [text]


def test_voices_of_one_cue_share_its_time_by_the_length_of_their_texts() -> None:
    first, second = cues_of(3, 9, 10.0, 13.0, "<v Anna>Hello you</v>\n<v.loud Bob &amp; Co>Yes")
    assert (first.speaker, first.text, first.start, first.end) == ("Anna", "Hello you", 10.0, 12.25)
    assert (second.speaker, second.text, second.start, second.end) == ("Bob & Co", "Yes", 12.25, 13.0)
    assert first.where == "cue 3 (line 9)"


def test_a_cue_of_tags_alone_has_nobody_who_speaks() -> None:
    assert cues_of(1, 1, 0, 1, "<i> </i>") == []


@pytest.mark.parametrize("text", ["[door slams]", "(sighs)", "♪ la la la ♪", "# la la #", "*laughs*", "...", "♪"])
def test_what_is_only_heard_is_not_said(text: str) -> None:
    assert not is_said(text)


@pytest.mark.parametrize("text", ["[sighs] Yes.", "#1 is here", "(a) or (b)", "5 * 3 * 2"])
def test_what_has_words_of_its_own_is_said(text: str) -> None:
    assert is_said(text)


def test_right_times_raise_no_doubts() -> None:
    assert list(doubts([cue(1, 0, 1), cue(2, 1, 2), cue(3, 5, 6)])) == []


def test_each_doubtful_time_is_told_with_its_cue() -> None:
    told = list(doubts([cue(1, 5, 9), cue(2, 6, 7), cue(3, 8, 10), cue(4, 2, 3), cue(5, 12, 12)]))
    assert [(each.where, each.wrong) for each in told] == [
        ("cue 2 (line 20)", "it starts at 0:00:06.000, while cue 1 goes on until 0:00:09.000"),
        ("cue 3 (line 30)", "it starts at 0:00:08.000, while cue 1 goes on until 0:00:09.000"),
        ("cue 4 (line 40)", "it starts at 0:00:02.000, earlier than cue 3 above it (0:00:08.000)"),
        ("cue 5 (line 50)", "it ends at 0:00:12.000, not after its start at 0:00:12.000"),
    ]


def test_cues_are_spoken_in_the_order_of_their_times() -> None:
    assert [each.number for each in in_order([cue(1, 5, 6), cue(2, 1, 2), cue(3, 5, 6)])] == [2, 1, 3]


def test_a_clock_shows_hours_to_milliseconds() -> None:
    assert clock(3725.0004) == "1:02:05.000"
