import pytest
from hypothesis import given
from hypothesis import strategies as st

from koe.core.script import Utterance, parse_script


def said(text: str, *names: str) -> list[tuple[str, str]]:
    return [(each.speaker, each.text) for each in parse_script(text, names).utterances]


@pytest.mark.parametrize(
    ("line", "speaker", "text"),
    [
        ("[1]: Come in.", "1", "Come in."),
        ("[1] Come in.", "1", "Come in."),
        ("[Old man]: Note: it rains.", "Old man", "Note: it rains."),
        ("Anna: Come in.", "Anna", "Come in."),
        ("ANNA : Come in.", "ANNA", "Come in."),
        ("Guard 2: Halt!", "Guard 2", "Halt!"),
        ("Dr. O'Neill-Smith: Well.", "Dr. O'Neill-Smith", "Well."),
        ("Queen of Hearts: Off with it!", "Queen of Hearts", "Off with it!"),
        ("Ludwig van Beethoven: Da-da-da-dum.", "Ludwig van Beethoven", "Da-da-da-dum."),
        ("山田：はい。", "山田", "はい。"),
        ("Анна: Да.", "Анна", "Да."),
    ],
)
def test_a_label_or_a_name_begins_a_turn(line: str, speaker: str, text: str) -> None:
    assert said(line) == [(speaker, text)]


@pytest.mark.parametrize(
    "line",
    [
        "At 7:30 we left.",
        "7:30: the train leaves.",
        "He said: come in.",
        "Remember this one: it rains.",
        "https://koe.example/a: b",
        "Genesis 1:1 says so.",
        "  Note: it rains.",
        "\tAnna: quoted",
        "[pause:1.5s] Then it rained.",
        "One Two Three Four Five: too many words",
        "A" * 41 + ": too long",
        "(Anna: aside)",
        "[]: nobody",
        "A:b",
    ],
)
def test_a_colon_or_a_bracket_inside_a_text_names_nobody(line: str) -> None:
    assert said(f"Bob: Yes.\n{line}") == [("Bob", f"Yes. {line.strip()}")]


def test_whoever_the_caller_knows_is_a_speaker_however_he_looks() -> None:
    assert said("the old  man: Come in.", "The Old Man") == [("The Old Man", "Come in.")]


def test_speakers_are_listed_in_order_of_appearance_however_they_are_capitalised() -> None:
    script = parse_script("Zoe: One.\nAnna: Two.\nZOE: Three.\n[anna] Four.")
    assert script.speakers == ("Zoe", "Anna")
    assert [each.speaker for each in script.utterances] == ["Zoe", "Anna", "Zoe", "Anna"]


def test_lines_go_on_and_a_blank_line_ends_what_is_said_but_not_the_turn() -> None:
    text = "It rains.\r\nAnna: One,\r\n# a comment\r\n  two\r\n#3 is text\r\n\r\nthree.\r\n[Bob]\r\nFour."
    assert said(text) == [("", "It rains."), ("Anna", "One, two #3 is text"), ("Anna", "three."), ("Bob", "Four.")]
    assert [each.line for each in parse_script(text).utterances] == [1, 2, 7, 9]


def test_pauses_between_utterances_are_kept_and_those_inside_stay() -> None:
    text = "[pause:9s]\nAnna: One (pause 500ms) two.\n(pause 1,5 s)\n[pause: 1s]\nBob: Three.\n[pause:99s]"
    assert parse_script(text).utterances == (
        Utterance(2, "Anna", "One [pause:500ms] two.", pause_after=2.5),
        Utterance(5, "Bob", "Three.", pause_after=10.0),
    )


def test_a_direction_behind_the_name_is_not_said() -> None:
    assert parse_script("Anna (whispering, afraid): Run!").utterances == (
        Utterance(1, "Anna", "Run!", "whispering, afraid"),
    )


@given(st.text(alphabet=st.sampled_from("aB1 :：[]()#\n\r\\'p"), max_size=200))
def test_no_script_breaks_it_and_every_word_is_said_or_names_somebody(text: str) -> None:
    script = parse_script(text)
    for each in script.utterances:
        assert each.text.strip() == each.text != ""
        assert each.speaker == "" or each.speaker in script.speakers


@pytest.mark.parametrize("line", ["A " * 200_000, "[" * 200_000, "A(" * 200_000, ":" * 200_000, "A: " + "x" * 500_000])
def test_very_long_lines_take_no_longer_than_they_are(line: str) -> None:
    parse_script(line)
