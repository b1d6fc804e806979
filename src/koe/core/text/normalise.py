"""Raw text in chunks -> words that can be read aloud, and pauses.

A reader (plain text or SSML) turns chunks into items that stand for themselves, wherever the chunks were cut;
each item is then cleaned and verbalised alone. A line feed in the result ends a paragraph, a sentence without
a full stop or a line of a list.
"""

import re
from collections.abc import Iterable, Sequence

from koe.core.languages import LANGUAGES
from koe.core.text import detect
from koe.core.text.clean import clean
from koe.core.text.cut import ends_sentence
from koe.core.text.items import Break, Item, SaidAs, Words
from koe.core.text.markup import MarkdownReader
from koe.core.text.parts import Part, Pause, Speech, TextFormat
from koe.core.text.ssml import SsmlReader
from koe.core.text.verbalise import say_as, verbalise

_PLAIN = re.compile(r"\s*+(?:[A-Z]?[a-z]++[,;:!?]?\s*+)*+", re.ASCII)
"""Text that verbalising leaves as it is: most words of most sentences."""

_SENTENCE_END = re.compile(r"[.!?…][\"'”’»)\]]*\s*\Z|[。！？]")
_ENOUGH_FOR_A_SENTENCE = 20
_ENOUGH = 60
"""Characters after which the language is decided: at a sentence's end, and anywhere."""
_ENOUGH_IF_PLAIN = 16
"""Characters after which it is, if they leave no doubt."""


class Normaliser:
    """Text, in one language unless its SSML says otherwise, cut into chunks anywhere -> parts.

    Languages are canonical tags. Without one it is detected among the candidates, from the first words that leave no
    doubt, else from the first sentence or the first 60 characters, and then kept; where these are no evidence,
    `fallback` is taken, and without one numbers stay as they are.
    """

    def __init__(
        self,
        language: str | None = None,
        candidates: Sequence[str] = LANGUAGES,
        text_format: TextFormat = "text",
        fallback: str | None = None,
    ) -> None:
        self._language = candidates[0] if language is None and len(candidates) == 1 else language
        self._reader = SsmlReader(self._language) if text_format == "ssml" else MarkdownReader(self._language)
        self._fallback = fallback
        self._undecided = None if self._language else _Prefix(candidates)
        self._writer = _Writer()

    @property
    def language(self) -> str | None:
        """The language of the text; None while it is not decided, or where nothing told it."""
        return self._language

    def feed(self, text: str) -> list[Part]:
        """The parts that are certain now. InvalidSsml as `SsmlReader`."""
        return self._write(self._reader.feed(text))

    def finish(self) -> list[Part]:
        """The rest; the normaliser is not fed again."""
        parts = self._write(self._reader.finish())
        return parts + (self._decide(self._undecided) if self._undecided else [])

    def _write(self, items: Iterable[Item]) -> list[Part]:
        parts: list[Part] = []
        for item in items:
            if self._undecided is None or self._undecided.lets_pass(item):
                parts += self._writer.write(item, self._language)
            elif self._undecided.add(item):
                parts += self._decide(self._undecided)
        return parts

    def _decide(self, prefix: "_Prefix") -> list[Part]:
        self._undecided = None
        self._language = prefix.language() or self._fallback
        return self._write(prefix.items)


class _Prefix:
    """The items before the language is decided."""

    def __init__(self, candidates: Sequence[str]) -> None:
        self.items: list[Item] = []
        self._candidates = candidates
        self._text = ""

    def lets_pass(self, item: Item) -> bool:
        """Whether nothing is kept, and the item needs no decision."""
        return not self.items and (not isinstance(item, Words | SaidAs) or item.language is not None)

    def add(self, item: Item) -> bool:
        """Keep the item; whether that is enough to decide."""
        self.items.append(item)
        if isinstance(item, Words) and item.language is None:
            self._text += clean(item.text, None)
        if detect.information(self._text) >= _ENOUGH_IF_PLAIN and detect.is_plain(self._text, self._candidates):
            return True
        ended = isinstance(item, Break) or _SENTENCE_END.search(self._text) is not None
        length = detect.information(self._text)
        return length >= (_ENOUGH_FOR_A_SENTENCE if ended else _ENOUGH) or len(self.items) >= _ENOUGH

    def language(self) -> str | None:
        return detect.detect(self._text, self._candidates)


class _Writer:
    """Items -> parts, with one space or one line feed between them, and none before the first."""

    def __init__(self) -> None:
        self._owed = ""
        self._fresh = True
        """Whether a separator would be the first thing said, or follow another."""
        self._sentence_ended = False

    def write(self, item: Item, language: str | None) -> list[Part]:
        match item:
            case Words():
                return self._words(item.text, item.language or language)
            case SaidAs():
                return self._said_as(item, item.language or language)
            case Break():
                return self._break(language)
            case Pause():
                self._owed, self._fresh = "", True
                return [item]

    def _words(self, text: str, language: str | None) -> list[Part]:
        cleaned = clean(text, language)
        if language and not _PLAIN.fullmatch(cleaned):
            verbalised = verbalise(cleaned, language)
            cleaned = _capitalised(verbalised, cleaned) if self._sentence_ended else verbalised
        return self._speech(cleaned, language)

    def _said_as(self, item: SaidAs, language: str | None) -> list[Part]:
        text = clean(item.text, None).strip()
        return self._speech(say_as(text, item.interpret_as, language, item.format) if language else text, language)

    def _speech(self, text: str, language: str | None) -> list[Part]:
        words = text.strip()
        if text[:1].isspace():
            self._owed = " "
        if not words:
            return []
        spoken = words if self._fresh else self._owed + words
        self._fresh, self._owed = False, " " if text[-1].isspace() else ""
        self._sentence_ended = ends_sentence(words, language)
        return [Speech(spoken, language)]

    def _break(self, language: str | None) -> list[Part]:
        if self._fresh:
            return []
        self._fresh, self._owed = True, ""
        return [Speech("\n", language)]


def _capitalised(spoken: str, written: str) -> str:
    """Words that open a sentence as a sentence: "It is on. 5 lights ..." has to stay two of them."""
    if written.lstrip()[:1].islower():
        return spoken
    start = len(spoken) - len(spoken.lstrip())
    return spoken[:start] + spoken[start : start + 1].upper() + spoken[start + 1 :]
