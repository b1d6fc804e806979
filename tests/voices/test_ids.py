"""Ids are safe as names of files on every system, and a display name always gives one that is free."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from koe.core.errors import MalformedInput
from koe.voices.ids import check_id, is_id, make_id


@pytest.mark.parametrize(
    "id", ["anna", "a", "0", "anna-2", "my_voice", "a" * 64, "espeak", "qwenta", "designer", "com10"]
)
def test_plain_ids_are_taken(id: str) -> None:
    check_id(id)


@pytest.mark.parametrize(
    ("id", "reason"),
    [
        ("", "1 to 64"),
        ("a" * 65, "1 to 64"),
        ("x" * 300, "1 to 64"),
        ("../x", "a-z"),
        ("..", "a-z"),
        ("a/b", "a-z"),
        ("a\\b", "a-z"),
        ("a.json", "a-z"),
        ("Anna", "a-z"),
        ("CON", "a-z"),
        ("anna\n", "a-z"),
        ("anna\0", "a-z"),
        ("älva", "a-z"),
        ("٣", "a-z"),
        ("🙂", "a-z"),
        ("-a", "starts with"),
        ("_a", "starts with"),
        ("con", "Windows"),
        ("nul", "Windows"),
        ("com1", "Windows"),
        ("lpt9", "Windows"),
        ("design", "Koe uses it"),
        ("espeak-de", "engine espeak"),
        ("qwen-ryan", "engine qwen"),
        ("remote-x", "engine remote"),
        ("fake-low", "engine fake"),
    ],
)
def test_others_are_refused_with_the_reason(id: str, reason: str) -> None:
    with pytest.raises(MalformedInput, match=reason) as caught:
        check_id(id)
    assert len(caught.value.message) < 250
    assert not is_id(id)


@pytest.mark.parametrize(
    ("name", "id"),
    [
        ("Anna", "anna"),
        ("Älva Ström", "alva-strom"),
        ("Łódź & Ærø, groß!", "lodz-aero-gross"),
        ("  --My_Voice--  ", "my_voice"),
        ("🙂", "voice"),
        ("老师", "voice"),
        ("", "voice"),
        ("CON", "voice-con"),
        ("design", "voice-design"),
        ("espeak de", "voice-espeak-de"),
        ("x" * 300, "x" * 64),
    ],
)
def test_a_name_gives_an_id_that_looks_like_it(name: str, id: str) -> None:
    assert make_id(name, ()) == id


def test_a_clash_is_counted() -> None:
    assert make_id("Anna", {"anna"}) == "anna-2"
    assert make_id("Anna", {"anna", "anna-2"}) == "anna-3"
    assert make_id("x" * 64, {"x" * 64}) == "x" * 62 + "-2"


@given(st.text(max_size=80), st.integers(0, 12))
def test_every_name_gives_a_free_id_that_may_be_used(name: str, voices: int) -> None:
    taken: set[str] = set()
    for _ in range(voices + 1):
        id = make_id(name, taken)
        assert id not in taken
        check_id(id)
        taken.add(id)


@given(st.text(max_size=70) | st.from_regex(re.compile("[a-z0-9_.-]{0,70}"), fullmatch=True))
def test_what_is_accepted_holds_nothing_that_leads_elsewhere(id: str) -> None:
    if is_id(id):
        assert re.fullmatch("[a-z0-9][a-z0-9_-]{0,63}", id)
        assert make_id(id, ()) == re.sub("-+", "-", id).rstrip("-_")
