"""Words in a text and in its reading, and the times that are given to those without."""

import string
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from koe.core.words import Pair, Span, filled, paired, spoken, timed, written

WORDS = st.lists(st.sampled_from(["a", "the", "house", "5", "door", "of", "B"]), max_size=60)


def seconds(said: list[str]) -> list[Span]:
    return [(float(number), number + 1.0) for number in range(len(said))]


@pytest.mark.parametrize(
    ("text", "language", "expected"),
    [
        ("The laundry is done.", "en", [("The", 0, 1), ("laundry", 1, 2), ("is", 2, 3), ("done.", 3, 4)]),
        ("It costs $5 a day & more.", "en", [("$5", 2, 4), ("&", 6, 7), ("more.", 7, 8)]),
        ("Now 21.5 °C inside", "en", [("Now", 0, 1), ("21.5 °C", 1, 6), ("inside", 6, 7)]),
        ("At 10:30. Mrs. Smith", "en", [("10:30.", 1, 3), ("Mrs.", 3, 4), ("Smith", 4, 5)]),
        ("Um 5 Uhr, Dr. Meier", "de", [("5", 1, 2), ("Uhr,", 2, 3), ("Dr.", 3, 4), ("Meier", 4, 5)]),
        ("**Bold** and `code`, <b>tags</b>", "en", [("Bold", 0, 1), ("code,", 2, 3), ("tags", 3, 4)]),
        ("One. [pause: 1s] Two — three!", "en", [("One.", 0, 1), ("Two", 1, 2), ("three!", 2, 3)]),
        ("```python\nx = 1\n```\nDone", "en", [("Done", 0, 1)]),
        ("我有3个。", "zh", [("我", 0, 1), ("3", 2, 3), ("个。", 3, 4)]),
        ("Привет, мир", "ru", [("Привет,", 0, 1), ("мир", 1, 2)]),
        ("?! …", "en", []),
    ],
)
def test_written_words_get_the_time_of_what_is_said_for_them(
    text: str, language: str, expected: list[tuple[str, int, int]]
) -> None:
    said = spoken(text, language)
    found = timed(text, said, seconds(said.words))
    assert [each for each in expected if each not in [(word.word, word.start, word.end) for word in found]] == []
    assert bool(found) == bool(expected)
    assert all(text[word.first : word.last][:1] in "*`<" + word.word[0] for word in found)


def test_ssml_is_read_without_its_tags_and_its_words_stay_in_their_places() -> None:
    text = '<speak>Tom &amp; Jerry <break time="1s"/><say-as interpret-as="cardinal">12</say-as> times.</speak>'
    said = spoken(text, "en", text_format="ssml")
    assert said.words == ["Tom", "and", "Jerry", "twelve", "times."]
    found = timed(text, said, seconds(said.words), start=10.0)
    assert [word.word for word in found] == ["Tom", "&", "Jerry", "12", "times."]
    assert [text[word.first : word.last] for word in found] == ["Tom", "&amp;", "Jerry", "12", "times."]
    assert (found[0].start, found[-1].end) == (10.0, 15.0)


def test_the_language_is_found_out_where_nobody_told_it() -> None:
    assert spoken("Die Wäsche ist fertig und trocken.", None).language == "de"
    assert spoken("12", None).language == "en"
    assert spoken("Good morning everybody.", None, ["de-DE"]).language == "de-DE"


@given(st.text(max_size=200))
def test_words_stand_in_their_order_and_hold_something_to_say(text: str) -> None:
    words = written(text)
    assert all(word.first < word.last and text[word.first : word.last].strip() for word in words)
    assert all(before.last <= after.first for before, after in pairwise(words))


@given(WORDS, WORDS)
def test_pairs_are_in_order_and_leave_out_nothing_that_is_said(left: list[str], right: list[str]) -> None:
    pairs = paired(left, right)
    if left and right:
        assert [pairs[0].right[0], *(pair.right[1] for pair in pairs)] == [
            *(pair.right[0] for pair in pairs),
            len(right),
        ]
    assert all(pair.left[0] < pair.left[1] and pair.right[0] < pair.right[1] for pair in pairs)
    assert all(before.left[1] <= after.left[0] for before, after in pairwise(pairs))


@given(WORDS)
def test_the_same_words_are_pairs_one_by_one(words: list[str]) -> None:
    assert paired(words, [word.upper() + "!" for word in words]) == [
        Pair((number, number + 1), (number, number + 1)) for number in range(len(words))
    ]


def test_a_long_text_is_compared_piece_by_piece_to_its_end() -> None:
    names = ["item" + "".join(chr(97 + int(figure)) for figure in str(number)) for number in range(900)]
    text = " ".join(f"{name} costs ${number}.50," for number, name in enumerate(names))
    left, said = [word.word for word in written(text)], spoken(text, "en").words
    found = {left[pair.left[0]]: said[pair.right[0]] for pair in paired(left, said)}
    assert all(found[name] == name for name in names)


TIMES = st.floats(-5, 200, allow_nan=False)
SPANS = st.lists(st.none() | st.tuples(TIMES, TIMES), max_size=30)


@given(SPANS, st.floats(0, 100), st.data())
def test_every_word_has_a_time_behind_the_one_before_and_within_the_sound(
    spans: list[Span | None], length: float, data: st.DataObject
) -> None:
    sized = st.lists(st.text(string.ascii_letters, max_size=9), min_size=len(spans), max_size=len(spans))
    found = filled(spans, data.draw(sized), length)
    assert len(found) == len(spans)
    edges = [edge for span in found for edge in span]
    assert all(after >= before - 1e-9 for before, after in pairwise([0.0, *edges, length]))


def test_what_is_missing_shares_the_time_between_its_neighbours_by_length() -> None:
    found = filled([(0.0, 1.0), None, None, (4.0, 5.0), None], ["one", "four", "be", "more", "end"], 6.0)
    assert found == [(0.0, 1.0), (1.0, 3.0), (3.0, 4.0), (4.0, 5.0), (5.0, 6.0)]
