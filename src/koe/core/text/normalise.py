"""Raw text in chunks -> words that can be read aloud, and pauses.

A reader (plain text or SSML) turns chunks into items that stand for themselves, wherever the chunks were cut;
each item is then cleaned and verbalised alone. A line feed in the result ends a paragraph, a sentence without
a full stop or a line of a list.
"""

import copy
import re
from collections.abc import Iterable, Sequence

from koe.core.languages import LANGUAGES, base
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
_EASTERN_SENTENCE_END = re.compile(r"[。！？｡][」』”’）》】〉〕\"')]*\Z")
_NUMBER_END = re.compile(r"\d\.[\"'”’»)]*\Z")
_WITH_ORDINAL_DOT = {
    "bs", "cs", "da", "de", "et", "fi", "fo", "hr", "hu", "is", "lb", "lt", "lv", "mk", "nb", "nn", "no", "pl", "se",
    "sk", "sl", "sr", "tr",
}  # fmt: skip
"""Languages in which "30." may also be the 30th."""

_OPEN = re.compile(r"\[[^\]]*\Z|<[^>]*\Z")
"""A bracket or a tag that has begun and not ended."""

_ENOUGH_FOR_A_SENTENCE = 20
_ENOUGH = 60
"""Characters after which the language is decided: at a sentence's end, and anywhere."""
_ENOUGH_IF_PLAIN = 16
"""Characters after which it is, if they leave no doubt."""


class Normaliser:
    """Text, in one language unless its SSML says otherwise, cut into chunks anywhere -> parts.

    Languages are canonical tags. Without one it is detected among the candidates, from the first words that leave no
    doubt, else from the first sentence or the first 60 characters, and then kept; where these are no evidence,
    `fallback` is taken, and without one numbers stay as they are. Of several candidates of one language, such as en-GB
    and en-US, it is `fallback` that counts.
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
        self._candidates, self._fallback = candidates, fallback
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

    def pause(self) -> list[Part]:
        """What is held back, if it ends a sentence: no more text has come for a while, so nobody should wait for it.

        Where that sentence is no evidence, its language is the fallback, and what follows may still tell another.
        """
        rest = self._rest()
        language = self._guess(rest)
        if rest and (_OPEN.search(rest) or not self._may_end(rest, language)):
            return []
        parts = self._write(self._reader.finish() if rest else [])
        prefix = self._undecided
        if prefix is not None:
            if not self._may_end(prefix.text, language):
                return parts
            parts += self._decide(prefix)
        parts += self._writer.pause(self._language)
        if prefix is not None and prefix.language() is None:
            self._language, self._undecided = None, _Prefix(self._candidates)
        return parts

    def _may_end(self, text: str, language: str | None) -> bool:
        """Whether nothing needs to follow, after a pause."""
        if _NUMBER_END.search(text.rstrip()):
            possible = [self._language] if self._language else self._candidates
            return bool(possible) and _WITH_ORDINAL_DOT.isdisjoint(map(base, possible))
        return _ends_sentence(text, language)

    def _rest(self) -> str:
        """The words that the reader holds back, as they may go on; of a block of code there are none."""
        # SSML is read up to its last tag, and what stands before a tag doesn't go on.
        if not isinstance(self._reader, MarkdownReader):
            return ""
        items = copy.deepcopy(self._reader).finish()
        return "".join(item.text for item in items if isinstance(item, Words)).strip()

    def _guess(self, rest: str) -> str | None:
        if self._undecided is None:
            return self._language
        return detect.detect(self._undecided.text + rest, self._candidates) or self._fallback

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
        self._language = self._own_variant(prefix.language()) or self._fallback
        return self._write(prefix.items)

    def _own_variant(self, language: str | None) -> str | None:
        own = self._fallback
        if language and own and own in self._candidates and base(own) == base(language):
            return own
        return language


class _Prefix:
    """The items before the language is decided."""

    def __init__(self, candidates: Sequence[str]) -> None:
        self.items: list[Item] = []
        self._candidates = candidates
        self.text = ""

    def lets_pass(self, item: Item) -> bool:
        """Whether nothing is kept, and the item needs no decision."""
        return not self.items and (not isinstance(item, Words | SaidAs) or item.language is not None)

    def add(self, item: Item) -> bool:
        """Keep the item; whether that is enough to decide."""
        self.items.append(item)
        if isinstance(item, Words) and item.language is None:
            self.text += clean(item.text, None)
        if detect.information(self.text) >= _ENOUGH_IF_PLAIN and detect.is_plain(self.text, self._candidates):
            return True
        ended = isinstance(item, Break) or _SENTENCE_END.search(self.text) is not None
        length = detect.information(self.text)
        return length >= (_ENOUGH_FOR_A_SENTENCE if ended else _ENOUGH) or len(self.items) >= _ENOUGH

    def language(self) -> str | None:
        return detect.detect(self.text, self._candidates)


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

    def pause(self, language: str | None) -> list[Part]:
        """A break where a sentence has ended, so that nobody waits for its continuation."""
        return self._break(language) if self._sentence_ended else []

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
        self._sentence_ended = _ends_sentence(words, language)
        return [Speech(spoken, language)]

    def _break(self, language: str | None) -> list[Part]:
        if self._fresh:
            return []
        self._fresh, self._owed = True, ""
        return [Speech("\n", language)]


def _ends_sentence(text: str, language: str | None) -> bool:
    words = text.rstrip()
    return ends_sentence(words, language) or _EASTERN_SENTENCE_END.search(words) is not None


def _capitalised(spoken: str, written: str) -> str:
    """Words that open a sentence as a sentence: "It is on. 5 lights ..." has to stay two of them."""
    if written.lstrip()[:1].islower():
        return spoken
    start = len(spoken) - len(spoken.lstrip())
    return spoken[:start] + spoken[start : start + 1].upper() + spoken[start + 1 :]
