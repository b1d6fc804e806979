"""What speech-to-text adds to what was said goes; what was said stays."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from koe.core.text.transcript import clean


@pytest.mark.parametrize(
    "text",
    [
        "Speaker 1: Hello you.",
        "SPEAKER 12: Hello you.",
        "speaker A: Hello you.",
        "Speaker 1 (00:12): Hello you.",
        "Speaker 1  0:12\nHello you.",
        "[SPEAKER_00] Hello you.",
        "[SPEAKER_00]: Hello you.",
        "(Speaker 2) Hello you.",
        "SPEAKER_01: Hello you.",
        "[Anna]: Hello you.",
        "Sprecherin 2: Hello you.",
        "話者1：Hello you.",
        "<v Anna>Hello you.</v>",
        "<v.loud Anna Maria>Hello <c.red>you.</c>",
        "- Hello you.",
        "— Hello you.",
        "—Hello you.",
        ">> Hello you.",
        "- Hello\n- you.",
        "Speaker 1: - Hello\nSpeaker 2: you.",
        "[00:00.000 --> 00:04.000]   Hello you.",
        "[00:00:00.000 --> 00:00:04.000] Hello\n[00:00:04.000 --> 00:00:05.000] you.",
        "[0.00s -> 4.00s] Hello you.",
        "00:00.000 --> 00:04.000 Hello you.",
        "(00:12) Hello you.",
        "(00:12 - 00:15) Hello you.",
        "[00:12] Hello [1:00:15] you.",
        "<00:00:01.000>Hello <00:00:02.000>you.",
        "WEBVTT\n\n00:00.000 --> 00:04.000 align:start position:0%\n<v Anna>Hello you.",
        "1\n00:00:00,000 --> 00:00:02,000\nHello\n\n2\n00:00:02,000 --> 00:00:04,000\nyou.",
        "[Music] Hello you.",
        "[MUSIC PLAYING] Hello you.",
        "Hello you. (upbeat music)",
        "Hello [laughs] you.",
        "Hello (laughs) you.",
        "Hello (lacht) you.",
        "Hello you (laughter).",
        "(coughs), Hello you.",
        "*coughs* Hello you.",
        "Hello you. [BLANK_AUDIO]",
        "[[Music]] Hello you.",
        "♪ Hello you. ♪",
        "（笑）Hello you.",
        "<|startoftranscript|><|en|><|transcribe|><|0.00|> Hello you.<|4.00|>",
        "  Hello\n\n\t you.\u00a0",
        "[Music] - [Music] Speaker 1: - Speaker 2: Hello you.",
    ],
)
def test_what_was_not_said_goes(text: str) -> None:
    assert clean(text) == "Hello you."


def test_several_speakers_in_one_line() -> None:
    assert clean("Speaker 1: Hello. Speaker 2: Hi! SPEAKER_03: Well.") == "Hello. Hi! Well."


@pytest.mark.parametrize(
    "text", ["", " \n", "[Music]", "(upbeat music)", "♪♪♪", "[BLANK_AUDIO]\n", "...", "- ", "(laughs)."]
)
def test_where_nothing_was_said_nothing_is_left(text: str) -> None:
    assert clean(text) == ""


@pytest.mark.parametrize(
    "text",
    [
        "Er sagte: Hallo.",
        "Anna: Hallo.",
        "We meet at 12:30.",
        "12:30 is too late.",
        "The train (12:30) was late.",
        "Open (8:00 - 12:00) today.",
        "The [red] house (the old one) stands.",
        "The party (with music and cake) was good.",
        "The speaker 1: no, the second speaker.",
        "Sprecher 1:30 zurück.",
        "-5 degrees, and then -10.",
        "–5 Grad",
        "Well - I mean - yes.",
        "2 * 3 * 4 is 24",
        "A *very* good idea",
        "1 < 2 and 3 > 2",
        "Bonjour ! Ça va ?",
        "It costs 5,50: a lot.",
        "Die Musik spielt, alle lachen.",
        "“Quoted,” she said… twice.",
        "好的：我们十二点半见。",
    ],
)
def test_ordinary_text_stays(text: str) -> None:
    assert clean(text) == text


def test_french_keeps_the_space_before_its_marks() -> None:
    assert clean("Bonjour (rires) !") == "Bonjour !"


pieces = st.sampled_from(
    [
        *("Speaker 1:", "[SPEAKER_00]", "SPEAKER_", "<v Anna>", "- ", "—", ">>", "WEBVTT", "<|en|>", "<|", "|>"),
        *("[00:12]", "(00:12)", "00:01 --> 00:02", "12:30", "(laughs)", "[Music]", "[MUSIC", "_AUDIO]", "*coughs*"),
        *("[", "]", "(", ")", "*", "♪", "笑", "1", ":", ".", "!", ",", "…", " ", "\n", "\0", "Hello", "Anna"),
    ]
)


@given(st.one_of(st.lists(pieces, max_size=15).map("".join), st.text()))
def test_a_second_cleaning_changes_nothing(text: str) -> None:
    assert clean(clean(text)) == clean(text)


@given(st.lists(st.from_regex(r"[a-zäßéñ0-9]{1,8}[.,:;!?]?", fullmatch=True), min_size=1, max_size=12))
def test_words_with_single_spaces_are_what_comes_out(words: list[str]) -> None:
    assert clean(" \n".join(words)) == " ".join(words)


@pytest.mark.parametrize(
    "unit",
    ["Speaker 1: ", "<|", "<|en|>", "[[", "\n", "[Music] - ", "(x", "* laughs ", "(00:12) ", "\n- ", "Hello. - "],
)
def test_long_rubbish_takes_no_time(unit: str) -> None:
    """The test's own time-out is the limit."""
    clean(unit * 20_000)
