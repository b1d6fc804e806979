"""The useful part of SSML, read as it arrives.

Read are `speak`, `p`, `s`, `break`, `sub`, `say-as`, `lang` and `xml:lang`; of every other tag the text is kept.
There are no entities but XML's own: a document type is refused, so nothing can be fetched or multiplied.
"""

import re
from typing import NoReturn
from xml.parsers import expat

from koe.core.errors import InvalidSsml
from koe.core.languages import canonical
from koe.core.text.cut import Cutter, Piece
from koe.core.text.items import Break, Item, SaidAs, Words, bounded_pause

MAX_DEPTH = 64
MAX_TAG = 16_384
"""About so many bytes of one tag or comment are held back by the parser."""

MAX_SAID_AS = 1000
"""Characters inside one `say-as`."""

_STRENGTHS = {"none": 0.0, "x-weak": 0.1, "weak": 0.25, "medium": 0.5, "strong": 0.8, "x-strong": 1.2}
_TIME = re.compile(r"\+?(?P<amount>\d{1,9}(?:\.\d{1,9})?|\.\d{1,9})(?P<unit>ms|s)")
_BLOCKS = ("p", "s", "paragraph", "sentence")
_BLOCK = 4096


class SsmlReader:
    """SSML in chunks -> items; `feed` and `finish` as everywhere. InvalidSsml says line and column."""

    def __init__(self, language: str | None = None) -> None:
        self._cutter = Cutter(language)
        self._items: list[Item] = []
        self._tags: list[str] = []
        self._languages: list[str | None] = [None]
        self._replaced_since = 0
        """Depth of the open `sub`, whose own text is not spoken; 0 outside of one."""
        self._said_as: dict[str, str] | None = None
        self._verbatim: list[str] = []
        self._characters = 0
        self._bytes = 0
        self._parser = self._new_parser()

    def feed(self, text: str) -> list[Item]:
        start = 0
        while start < len(text):
            # Blocks end at fixed places of the whole text, so that what is refused doesn't depend on the chunks.
            end = start + _BLOCK - self._characters % _BLOCK
            self._parse(text[start:end])
            start = end
        return self._taken()

    def finish(self) -> list[Item]:
        self._parse("", final=True)
        self._flush()
        return self._taken()

    def _new_parser(self) -> expat.XMLParserType:
        parser = expat.ParserCreate("utf-8")  # whatever its declaration says: the text has been decoded already
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._text
        parser.StartDoctypeDeclHandler = self._doctype
        return parser

    def _parse(self, text: str, final: bool = False) -> None:
        data = text.encode(errors="replace")
        self._characters += len(text)
        self._bytes += len(data)
        try:
            self._parser.Parse(data, final)
        except expat.ExpatError as error:
            raise InvalidSsml(_message(expat.ErrorString(error.code), error.lineno, error.offset)) from error
        held_back = self._bytes - self._parser.CurrentByteIndex
        if self._characters % _BLOCK == 0 and held_back > MAX_TAG:
            self._refuse(f"a tag is longer than {MAX_TAG} bytes")

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        name = _local(tag)
        self._check_nesting(name)
        self._tags.append(name)
        language = self._language_of(attributes)
        if language != self._languages[-1]:
            self._flush()
        self._languages.append(language)
        if name == "break":
            self._pause(attributes)
        elif name in _BLOCKS:
            self._break()
        elif name == "sub" and "alias" in attributes and not self._replaced_since:
            self._text(attributes["alias"])
            self._replaced_since = len(self._tags)
        elif name == "say-as" and self._said_as is None:
            self._begin_say_as(attributes)

    def _end(self, tag: str) -> None:
        if self._replaced_since == len(self._tags):
            self._replaced_since = 0
        name = self._tags.pop()
        if name == "say-as" and "say-as" not in self._tags:
            self._end_say_as()
        language = self._languages.pop()
        if language != self._languages[-1]:
            self._flush(language)
        if name in _BLOCKS:
            self._break()

    def _text(self, text: str) -> None:
        if self._replaced_since:
            return
        if self._said_as is not None:
            self._verbatim.append(text)
            if sum(map(len, self._verbatim)) > MAX_SAID_AS:
                self._refuse(f"a <say-as> is longer than {MAX_SAID_AS} characters")
            return
        # A line end inside XML is white space like any other.
        self._add(self._cutter.feed(text.replace("\n", " ")), self._languages[-1])

    def _begin_say_as(self, attributes: dict[str, str]) -> None:
        self._flush()
        self._said_as = attributes
        self._verbatim = []

    def _end_say_as(self) -> None:
        attributes, self._said_as = self._said_as or {}, None
        interpret_as, format = attributes.get("interpret-as", ""), attributes.get("format", "")
        self._items.append(SaidAs("".join(self._verbatim), interpret_as, format, self._languages[-1]))

    def _pause(self, attributes: dict[str, str]) -> None:
        self._flush()
        if "time" in attributes:
            match = _TIME.fullmatch(attributes["time"].strip().lower())
            if match is None:
                self._refuse(f"a <break> takes a time like '500ms' or '1.5s', not {attributes['time']!r}")
            seconds = float(match["amount"]) / (1000 if match["unit"] == "ms" else 1)
        else:
            strength = attributes.get("strength", "medium")
            if strength not in _STRENGTHS:
                self._refuse(f"a <break> has no strength {strength!r}, but {', '.join(_STRENGTHS)}")
            seconds = _STRENGTHS[strength]
        self._items += bounded_pause(seconds)

    def _break(self) -> None:
        self._flush()
        self._items.append(Break())

    def _flush(self, language: str | None = None) -> None:
        self._add(self._cutter.finish(), language or self._languages[-1])

    def _add(self, pieces: list[Piece], language: str | None) -> None:
        self._items += [Words(piece.text + piece.gap, language) for piece in pieces]

    def _taken(self) -> list[Item]:
        items, self._items = self._items, []
        return items

    def _language_of(self, attributes: dict[str, str]) -> str | None:
        tag = attributes.get("xml:lang")
        if tag is None:
            return self._languages[-1]
        try:
            return canonical(tag)
        except ValueError as error:
            self._refuse(str(error))

    def _check_nesting(self, name: str) -> None:
        if not self._tags and name != "speak":
            self._refuse(f"the outermost tag is <{name}>, not <speak>")
        if len(self._tags) >= MAX_DEPTH:
            self._refuse(f"tags are nested deeper than {MAX_DEPTH}")

    def _doctype(self, *_: object) -> None:
        self._refuse("a document type is not allowed")

    def _refuse(self, reason: str) -> NoReturn:
        raise InvalidSsml(_message(reason, self._parser.CurrentLineNumber, self._parser.CurrentColumnNumber))


def _message(reason: str, line: int, column: int) -> str:
    return f"SSML, line {line}, column {column + 1}: {reason}"


def _local(tag: str) -> str:
    return tag.rpartition(":")[2]
