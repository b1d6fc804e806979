"""Where the text is cut into chunks never changes what is spoken; what is held back is bounded, and so is work."""

import sys
from collections.abc import Callable
from itertools import pairwise
from types import FrameType
from typing import Protocol

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from koe.core.errors import InvalidSsml
from koe.core.text.cut import LIMIT, Cutter, Piece
from koe.core.text.normalise import Normaliser
from koe.core.text.parts import Part, Pause, Speech
from koe.core.text.segment import Segmenter
from tests.support.text import TextPipeline

FRAGMENTS = [
    *("hello", "The", "light", "is", "on", "größer", "été", "Привет", "мир", "niño", "a", "I", "de", "z", "U.S."),
    *("Dr.", "z. B.", "e.g.", "St.", "J. R. Smith", "p.m.", "Nr. 5", "etc.", "г.", "Mr.", "d. h.", "a. m.", "usw."),
    *("21.5 °C", "1 234,5 kWh", "March 3, 2025", "10 km/h", "5", "3.", "€ 5", "1\u202f000", "½", "2*3", "3 de mayo"),
    *("**bold**", "*", "_it_", "snake_case", "`code`", "# ", "\n# Title\n", "\n- ", "\n1. ", "\n> ", "\n---\n", "|"),
    *("\n```python\n", "\n```\n", "~~~", "[a link](https://x.example/a_b)", "[open", "](", "![alt](i.png)", "<b>"),
    *("</b>", "<br>", "<", "&amp;", "&nbsp;", "&", "[pause:500ms]", "[pause:1.5s]", "[pause:", "<!-- x", "-->"),
    *("https://www.koe.example/docs?x=1.", "info@koe.example", "www.koe.example", "koe.example", "1. Mai", "--"),
    *("👋", "❤️\u200d🔥", "👩\u200d👩\u200d👧", "🇩🇪", "1️⃣", "©", "\ufe0f", "\u200d"),
    *("\u200b", "\x00", "\ud800", "e\u0301"),
    *(".", "..", "...", "…", "!", "?!", "!!!", ",", ";", ":", "—", "–", "-", "'", '"', "“", "”", "«", "»", "(", ")"),
    *("。", "！", "，", "「", "」", "今天", "天气很好", "好！", "です", "と", "안녕하세요"),
    *("؟", "।", "¿Qué?", "¡Hola!"),
    *(" ", " ", " ", " ", "  ", "\n", "\n\n", "\r\n", "\t", "\u00a0", "\u2028", "\u3000", "\x85"),
]
TEXTS = st.lists(st.one_of(st.sampled_from(FRAGMENTS), st.text(max_size=4)), max_size=40).map("".join)
LONG_TEXTS = st.tuples(st.lists(st.sampled_from(FRAGMENTS), min_size=1, max_size=6), st.integers(20, 200)).map(
    lambda drawn: "".join(drawn[0]) * drawn[1]
)
SSML_FRAGMENTS = [
    *("<p>", "</p>", "<s>", "</s>", "<break time='500ms'/>", "<break/>", "<emphasis>", "</emphasis>", "<!-- c -->"),
    *("<lang xml:lang='de-DE'>", "</lang>", "<say-as interpret-as='characters'>", "</say-as>", "<sub alias='so'>"),
    *("</sub>", "&amp;", "&#233;", "<![CDATA[<x>]]>", "hello", "Licht", "21.5", " ", " ", "°C", ". ", "。", "\n", "1 "),
]
SSML_LEAVES = [
    *(
        "hello",
        "Licht",
        " ",
        " ",
        "21.5",
        " °C",
        ". ",
        "。",
        "\n",
        "1 ",
        "&amp;",
        "&#233;",
        "<![CDATA[<x>]]>",
        "<!-- c -->",
    ),
    *("<break time='500ms'/>", "<break/>", "<sub alias='so'>x</sub>", "<say-as interpret-as='characters'>ab</say-as>"),
    *("<lang xml:lang='de-DE'>Licht 5</lang>", "<emphasis>3</emphasis>", "<s>one</s>", "[pause:1s]", "*a*", "U.S."),
]
SSML_BLOCKS = st.lists(st.sampled_from(SSML_LEAVES), max_size=16).map("".join)
FUZZ = settings(max_examples=60)
CUTS = st.lists(st.integers(0, 100_000), max_size=12)
LANGUAGES = st.sampled_from([None, "en", "de", "fr", "zh", "ja", "ko", "ru"])


class Stage(Protocol):
    def feed(self, text: str, /) -> list[Part]: ...
    def finish(self) -> list[Part]: ...


def chunks(text: str, cuts: list[int]) -> list[str]:
    edges = [0, *sorted(cut % (len(text) + 1) for cut in cuts), len(text)]
    return [text[start:end] for start, end in pairwise(edges)]


def outcome(stage: Stage, pieces: list[str]) -> tuple[list[Part], str]:
    """The parts, and what was wrong with the text."""
    parts: list[Part] = []
    try:
        for piece in pieces:
            parts += stage.feed(piece)
        return parts + stage.finish(), ""
    except InvalidSsml as error:
        return [], error.message


def assert_same(new_stage: Callable[[], Stage], text: str, cuts: list[int]) -> None:
    whole = outcome(new_stage(), [text])
    assert outcome(new_stage(), chunks(text, cuts)) == whole
    assert outcome(new_stage(), list(text)) == whole


class SpeechSegmenter:
    """A Segmenter fed with text in one language."""

    def __init__(self, language: str | None, max_characters: int) -> None:
        self._segmenter = Segmenter(max_characters)
        self._language = language

    def feed(self, text: str) -> list[Part]:
        return self._segmenter.feed(Speech(text, self._language))

    def finish(self) -> list[Part]:
        return self._segmenter.finish()


@FUZZ
@given(TEXTS, CUTS, st.integers(1, 60))
def test_pieces_are_the_same(text: str, cuts: list[int], limit: int) -> None:
    def cut(pieces: list[str]) -> list[Piece]:
        cutter = Cutter(limit=limit)
        return [cut for piece in pieces for cut in cutter.feed(piece)] + cutter.finish()

    assert cut(chunks(text, cuts)) == cut(list(text)) == cut([text])


@FUZZ
@given(TEXTS, CUTS, LANGUAGES)
def test_normalised_text_is_the_same(text: str, cuts: list[int], language: str | None) -> None:
    assert_same(lambda: Normaliser(language, ["en", "de", "zh"]), text, cuts)


@FUZZ
@given(TEXTS, CUTS, LANGUAGES, st.integers(1, 120))
def test_segments_are_the_same(text: str, cuts: list[int], language: str | None, limit: int) -> None:
    assert_same(lambda: SpeechSegmenter(language, limit), text, cuts)


@FUZZ
@given(TEXTS, CUTS, LANGUAGES)
def test_the_pipeline_says_the_same(text: str, cuts: list[int], language: str | None) -> None:
    assert_same(lambda: TextPipeline(language), text, cuts)


@settings(max_examples=20)
@given(LONG_TEXTS, CUTS)
def test_long_texts_are_the_same(text: str, cuts: list[int]) -> None:
    assert_same(lambda: TextPipeline("en"), text, cuts)


@FUZZ
@given(SSML_BLOCKS, CUTS, LANGUAGES)
def test_ssml_says_the_same(text: str, cuts: list[int], language: str | None) -> None:
    ssml = f"<speak>{text}<p>{text}</p>{text}</speak>"
    assert_same(lambda: TextPipeline(language, "ssml"), ssml, cuts)


@FUZZ
@given(st.lists(st.sampled_from(SSML_FRAGMENTS), max_size=20).map("".join), CUTS)
def test_malformed_ssml_fails_the_same(text: str, cuts: list[int]) -> None:
    assert_same(lambda: TextPipeline("en", "ssml"), text, cuts)


WORDS = st.lists(st.text("abcdefghij", min_size=2, max_size=9), min_size=1, max_size=120)


@FUZZ
@given(WORDS, st.integers(10, 80))
def test_no_word_is_lost_or_doubled(words: list[str], limit: int) -> None:
    parts, _ = outcome(TextPipeline("en", max_characters=limit), [" ".join(words)])
    assert " ".join(part.text for part in parts if isinstance(part, Speech)).split() == words


PLAIN_WORDS = st.sampled_from(
    [
        *(
            "light",
            "The",
            "Dr.",
            "e.g.",
            "z. B.",
            "end.",
            "Yes!",
            "so,",
            "5",
            "3.5",
            "(a",
            "b)",
            "今天",
            "好。",
            "！",
            "¿Qué?",
        ),
    ]
)


@FUZZ
@given(st.lists(PLAIN_WORDS, max_size=80), st.integers(1, 80))
def test_no_character_is_lost_or_doubled(words: list[str], limit: int) -> None:
    parts, _ = outcome(TextPipeline("xx", max_characters=limit), [" ".join([*words, "end"])])
    heard = "".join(part.text for part in parts if isinstance(part, Speech))
    assert [*filter(str.isalnum, heard)] == [*filter(str.isalnum, "".join([*words, "end"]))]


@FUZZ
@given(TEXTS, LANGUAGES, st.integers(1, 60))
def test_segments_are_bounded_stripped_and_speakable(text: str, language: str | None, limit: int) -> None:
    for part in outcome(SpeechSegmenter(language, limit), [text])[0]:
        assert isinstance(part, Speech)
        assert 0 < len(part.text) <= limit
        assert part.text == part.text.strip()
        assert any(map(str.isalnum, part.text))


@FUZZ
@given(TEXTS)
def test_pauses_are_bounded(text: str) -> None:
    parts, _ = outcome(TextPipeline("en"), [f"{text}\n[pause:99999s]"])
    assert all(0 < part.seconds <= 10 for part in parts if isinstance(part, Pause))


CLASSES = [
    *("a", "a ", "1", "1 ", " ", "\n", ".", ". ", "[", "<a ", "*", "_", "`", "!", "。", "好", "，", "👋", "&", "|"),
    *("z. B. ", "..\\", "<!--", "\u0301", "http://", "a@"),
]


@pytest.mark.parametrize("fragment", CLASSES)
def test_little_is_held_back(fragment: str) -> None:
    cutter, held = Cutter(), 0
    for chunk in [fragment * 50] * 40:
        held += len(chunk) - sum(len(piece.text) + len(piece.gap) for piece in cutter.feed(chunk))
        if not fragment.isspace():
            assert held <= LIMIT


def calls(text: str, step: int) -> int:
    """How many functions run while the text is spoken; none of them sees more than a bounded buffer."""
    count = 0

    def profile(_frame: FrameType, event: str, _argument: object) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    pieces = [text[start : start + step] for start in range(0, len(text), step)]
    pipeline = TextPipeline("en")
    before = sys.getprofile()
    sys.setprofile(profile)
    try:
        for piece in pieces:
            pipeline.feed(piece)
        pipeline.finish()
    finally:
        sys.setprofile(before)
    return count


@pytest.mark.parametrize("step", [1, 10**6])
@pytest.mark.parametrize("fragment", CLASSES)
def test_work_grows_with_the_text(fragment: str, step: int) -> None:
    small, large = fragment * (1500 // len(fragment)), fragment * (15_000 // len(fragment))
    calls(small, step)  # what is loaded once
    assert calls(large, step) <= 12 * calls(small, step)
