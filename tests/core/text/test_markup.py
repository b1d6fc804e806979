"""Markup, emoji and addresses, as what is heard of them."""

import re

import pytest
from emoji import EMOJI_DATA

from koe.core.text.clean import clean
from koe.core.text.items import Break, Item, Words
from koe.core.text.markup import MarkdownReader
from koe.core.text.parts import Pause


def read(text: str) -> list[Item]:
    reader = MarkdownReader()
    return reader.feed(text) + reader.finish()


def heard(text: str) -> str:
    """The cleaned words, with "/" between lines that are kept apart and "_" for each pause."""
    signs = {Break: "/", Pause: "_"}
    joined = "".join(item.text if isinstance(item, Words) else signs[type(item)] for item in read(text))
    return re.sub("/+", "/", clean(joined, None)).strip(" /")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("**bold** and *italic* and ***both***", "bold and italic and both"),
        ("__bold__ and _italic_", "bold and italic"),
        ("**bold words in a row**, then", "bold words in a row, then"),
        ("2*3 and 2 * 3", "2*3 and 2 * 3"),
        ("snake_case_name", "snake case name"),
        ("~~struck~~", "struck"),
        ("`light.turn_on` it", "light.turn on it"),
        ("# Title\ntext", "Title/text"),
        ("### Title ###\ntext", "Title/text"),
        ("#hashtag", "#hashtag"),
        ("- one\n- two\n* three\n+ four\n• five", "one/two/three/four/five"),
        ("- [ ] open\n- [x] done", "open/done"),
        ("1. one\n2) two", "1: one/2: two"),
        ("  - indented\n    - deeper", "indented/deeper"),
        ("> quoted\n> more", "quoted/more"),
        ("one\n\n---\n\ntwo", "one/two"),
        ("* * *", ""),
        ("| Room | State |\n|:-----|------:|\n| Hall | on |", "Room, State/Hall, on"),
        ("a [link text](https://koe.example/a_(b)?c=d) here", "a link text here"),
        ('a [link](https://koe.example "its title") here', "a link here"),
        ("![a picture](p.png) and ![](q.png)", "a picture and"),
        ("[![badge](b.svg)](https://koe.example)", "badge"),
        ("a [reference][1] and a note[^1]", "a reference and a note"),
        ("text [in brackets] stays", "text [in brackets] stays"),
        ("<https://koe.example/page>", "koe.example"),
        ("```python\nprint('hi')\n\n# no\n```\nafter", "after"),
        ("```\nspoken *as text*\n```\nafter", "spoken as text/after"),
        ("~~~yaml\na: b\n```\n~~~\nafter", "after"),
        ("```js\nnever closed", ""),
        ("a <b>bold</b> word<br>and <a href='x y'>more</a>", "a bold word/and more"),
        ("<p>one</p><p>two</p>", "one/two"),
        ("1 < 2 > 0", "1 < 2 > 0"),
        ("seen <!-- not seen --> seen", "seen seen"),
        ("AT&amp;T&nbsp;&euro; &lt;b&gt;", "AT&T € <b>"),
        (r"\*not italic\*", "not italic"),
        ("Hard\nlines\nHere", "Hard lines/Here"),
        ("A line that goes on for so long that it was surely wrapped by its\nEditor", None),
    ],
)
def test_markdown_and_html(text: str, expected: str | None) -> None:
    assert heard(text) == (text.replace("\n", " ") if expected is None else expected)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("[pause:1.5s]", 1.5),
        ("[pause:500ms]", 0.5),
        ("[pause: 2,5 s]", 2.5),
        ("[PAUSE:1S]", 1.0),
        ("[pause:3600s]", 10.0),
    ],
)
def test_pauses(text: str, seconds: float) -> None:
    assert [item for item in read(f"a {text} b") if isinstance(item, Pause)] == [Pause(seconds)]


@pytest.mark.parametrize("text", ["[pause:0s]", "[pause:abc]", "[pause]", "[pause:-1s]", "[pause:1h]"])
def test_what_is_no_pause(text: str) -> None:
    assert not any(isinstance(item, Pause) for item in read(text))


def test_every_emoji_disappears() -> None:
    plain_signs = set("©®™‼⁉ℹ↔↕↖↗↘↙↩↪Ⓜ")
    left = [sign for sign in EMOJI_DATA if sign not in plain_signs and clean(f"a {sign} b", None) != "a b"]
    assert left == []


@pytest.mark.parametrize("text", ["© 2025", "Koe™ ®", "5 # 3 * 1", "→ A", "F♯", "❷ zwei", "naïve café", "x² ½ ℃"])
def test_signs_that_are_text_stay(text: str) -> None:
    assert clean(text, None) == text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Stop!!! Really???", "Stop! Really?"),
        ("What?!?!", "What?!"),
        ("wait..... and....", "wait… and…"),
        ("好！！！真的？？", "好！真的？"),
        ("so,, yes", "so, yes"),
        ("word--word -- word", "word – word – word"),
        ("run --help", "run --help"),
        ("zero\u200bwidth\ufeff soft\u00adhyphen \x07bell", "zerowidth softhyphen bell"),
        ("no\u00a0break\u202fspace", "no break space"),
        ("e\u0301te\u0301", "été"),
        ("３時、ＴＶ", "3時、TV"),
        ("lone \ud800surrogate", "lone surrogate"),
        ("Great 👋!", "Great!"),
        ("👋🏽 Hi 👩\u200d🚒", " Hi "),
    ],
)
def test_cleaning(text: str, expected: str) -> None:
    assert clean(text, None) == expected


@pytest.mark.parametrize(
    ("text", "language", "expected"),
    [
        ("https://www.home-assistant.io/docs?x=1", "en", "home-assistant dot io"),
        ("see https://koe.example/a_b.html.", "en", "see koe dot example."),
        ("(http://koe.example)", "de", "(koe Punkt example)"),
        ("www.koe.example/x, und", "de", "koe Punkt example, und"),
        ("http://192.168.1.10:8123/lovelace", "fr", "192 point 168 point 1 point 10"),
        ("https://user:secret@koe.example/", "en", "koe dot example"),
        ("请看https://koe.example/a，好", "zh", "请看koe 点 example，好"),
        ("ann.lee@koe.example!", "en", "ann dot lee at koe dot example!"),
        ("mailto:info@koe.example", "es-MX", "info arroba koe punto example"),
        ("info@koe.example", None, "info@koe.example"),
        ("info@koe.example", "nl", "info@koe.example"),
        ("@handle and a@b", "en", "@handle and a@b"),
    ],
)
def test_addresses(text: str, language: str | None, expected: str) -> None:
    assert clean(text, language) == expected


def test_a_line_that_begins_with_more_signs_than_can_be_held_back_keeps_its_words() -> None:
    reader = MarkdownReader()
    items = reader.feed("*" * 1000 + " the end.") + reader.finish()
    assert "".join(item.text for item in items if isinstance(item, Words)).strip() == "the end."
