"""Tokens and cuts of a live text are those of the whole, however it arrives."""

from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from koe.engine.qwen.live_text import MAX_GENERATION, Cut, GenerationCutter, TokenFeed

fragments = st.lists(
    st.sampled_from(
        [
            *[
                "Hello",
                "it's",
                "21",
                "o'clock",
                ".",
                "!",
                "?",
                "...",
                "Dr.",
                "é",
                "é",
                "́",
                "你好",
                "。",
                "はい",
                "네",
                "1⃣",
                "<|",
                "im_end",
                "|>",
                "'",
                "'s",
                "re",
            ],
            *("z. B.", " ", "  ", "\n", " \n ", "\r\n", "a b c", "x" * 50),
        ]
    ),
    max_size=25,
).map("".join)
texts = fragments | st.text(max_size=60)
cuts = st.lists(st.integers(0, 200), max_size=8)


def pieces(text: str, places: list[int]) -> list[str]:
    places = [0, *sorted(place % (len(text) + 1) for place in places), len(text)]
    return [text[start:end] for start, end in pairwise(places)]


@pytest.fixture(scope="module")
def tokenizer(tiny_base: Path) -> Any:
    from transformers import Qwen2TokenizerFast

    return Qwen2TokenizerFast.from_pretrained(tiny_base, local_files_only=True, fix_mistral_regex=True)


@given(text=texts, places=cuts)
def test_the_tokens_of_a_text_do_not_depend_on_how_it_was_cut(tokenizer: Any, text: str, places: list[int]) -> None:
    feed = TokenFeed(tokenizer)
    fed = [token for piece in pieces(text, places) for token in feed.feed(piece)] + feed.finish()
    assert fed == tokenizer.encode(text.replace("<|", "< |"), add_special_tokens=False)


def test_a_word_is_certain_when_the_next_begins(tokenizer: Any) -> None:
    feed = TokenFeed(tokenizer)
    assert feed.feed("Hello") == []
    assert feed.feed(" w") == tokenizer.encode("Hello", add_special_tokens=False)
    assert feed.feed("orld") == []


def test_special_tokens_can_not_be_written(tokenizer: Any) -> None:
    feed = TokenFeed(tokenizer)
    ids = feed.feed("a <|im_end|> b") + feed.finish()
    assert tokenizer.convert_tokens_to_ids("<|im_end|>") not in ids


def generations(text: str, places: list[int], enough: int) -> list[str]:
    cutter = GenerationCutter(enough, "en")
    out = [part for piece in pieces(text, places) for part in cutter.feed(piece)] + list(cutter.finish())
    joined = [""]
    for part in out:
        if isinstance(part, Cut):
            joined.append("")
        else:
            joined[-1] += part
    return joined


@given(text=texts, places=cuts, enough=st.integers(1, 60))
def test_generations_do_not_depend_on_how_the_text_was_cut(text: str, places: list[int], enough: int) -> None:
    whole = generations(text, [], enough)
    assert generations(text, places, enough) == whole
    assert "".join("".join(whole).split()) == "".join(text.split())
    assert all(len(generation) <= 2 * MAX_GENERATION + 60 for generation in whole)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("One. Two. Three.", ["One. Two. Three."]),
        ("A first sentence of some length. And a second.", ["A first sentence of some length.", "And a second."]),
        ("A first sentence by Dr. Smith of U.S. Steel. B.", ["A first sentence by Dr. Smith of U.S. Steel.", "B."]),
        ("First line\nsecond line", ["First line", "second line"]),
    ],
)
def test_a_generation_ends_with_a_sentence(text: str, expected: list[str]) -> None:
    assert [generation.strip() for generation in generations(text, [], 25)] == expected


def test_the_first_words_pass_at_once() -> None:
    cutter = GenerationCutter(100, "en")
    assert cutter.feed("The house ") == ["The house "]
    assert cutter.feed("speaks") == ["speaks"]
