"""Documents of an EPUB: XML that is parsed without trust, and the paragraphs in it.

lxml, as it takes time in proportion to the text however broken that is (the standard library's HTML parser needs half
a minute for 60 kB of `<a `), and neither expands entities nor fetches anything.
"""

import html
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from lxml import etree

Element = etree._Element

_NAMED = re.compile(rb"&(?!(?:amp|lt|gt|quot|apos);)[A-Za-z][A-Za-z0-9]{1,31};")
_HEADINGS = frozenset(["h1", "h2", "h3", "h4", "h5", "h6"])
_BLOCKS = _HEADINGS | {
    *["p", "div", "ul", "ol", "li", "dl", "dt", "dd", "table", "thead", "tbody", "tfoot", "tr", "td", "th", "caption"],
    *["blockquote", "pre", "section", "article", "body", "main", "header", "footer", "aside", "address", "hr"],
    *["figure", "figcaption"],
}
_SILENT = frozenset(
    ["head", "script", "style", "rt", "rp", "nav", "svg", "math", "audio", "video", "object", "iframe", "template"]
)
_SILENT_TYPES = frozenset(["pagebreak", "noteref", "footnote", "footnotes", "endnote", "endnotes", "rearnote", "toc"])
"""Of `epub:type`."""


@dataclass(frozen=True, slots=True)
class Parsed:
    root: Element | None
    """None where nothing of it could be read."""

    is_broken: bool


@dataclass(slots=True)
class Document:
    paragraphs: list[str] = field(default_factory=list)
    anchors: dict[str, int] = field(default_factory=dict)
    """Which paragraph stands where an id is."""

    heading: str = ""
    """The first one; empty without any."""

    is_broken: bool = False


def parse(data: bytes) -> Parsed:
    parser = etree.XMLParser(recover=True, resolve_entities=False, load_dtd=False, no_network=True, huge_tree=False)
    # HTML's names for characters are known to no XML parser, and few documents declare them.
    try:
        root = etree.fromstring(_NAMED.sub(_character, data), parser)
    except etree.XMLSyntaxError:
        return Parsed(None, True)
    return Parsed(root, bool(parser.error_log))


def document(data: bytes) -> Document:
    parsed = parse(data)
    reader = _Reader()
    if parsed.root is not None:
        reader.read(parsed.root)
    reader.document.is_broken = parsed.is_broken
    return reader.document


def local(element: Element | None) -> str:
    """The name without its namespace; empty for comments and the like."""
    tag = None if element is None else element.tag
    return tag.rpartition("}")[2] if isinstance(tag, str) else ""


def attribute(element: Element | None, name: str) -> str:
    """Of whatever namespace; empty where there is none."""
    attributes: Mapping[str, str] = {} if element is None else {str(key): str(value) for key, value in element.items()}
    return next((value for key, value in attributes.items() if key.rpartition("}")[2] == name), "")


def text_of(element: Element) -> str:
    return " ".join("".join(map(str, element.itertext())).split())


class _Reader:
    """Walks a tree without recursion: it may be deep."""

    def __init__(self) -> None:
        self.document = Document()
        self._words: list[str] = []
        self._headings: list[str] = []

    def read(self, root: Element) -> None:
        walk = etree.iterwalk(root, events=("start", "end", "comment", "pi"))
        for event, element in walk:
            if event == "start" and _is_silent(element):
                walk.skip_subtree()
            elif event == "start":
                self._open(element)
            elif local(element) in _BLOCKS and not _is_silent(element):
                self._end(is_heading=local(element) in _HEADINGS)
            if event != "start" and element is not root:
                self._words.append(element.tail or "")
        self._end()

    def _open(self, element: Element) -> None:
        name = local(element)
        if name in _BLOCKS:
            self._end()
        elif name == "br":
            self._words.append(" ")
        if anchor := attribute(element, "id") or (attribute(element, "name") if name == "a" else ""):
            self.document.anchors.setdefault(anchor, len(self.document.paragraphs))
        self._words.append(element.text or "")

    def _end(self, is_heading: bool = False) -> None:
        """What was read up to here is a paragraph, if it is anything."""
        paragraph = " ".join("".join(self._words).split())
        self._words.clear()
        if any(map(str.isalnum, paragraph)):
            self.document.paragraphs.append(paragraph)
            if is_heading and not self.document.heading:
                self.document.heading = paragraph


def _is_silent(element: Element) -> bool:
    if local(element) in _SILENT or "hidden" in element.attrib:
        return True
    return not _SILENT_TYPES.isdisjoint(attribute(element, "type").split())


def _character(name: re.Match[bytes]) -> bytes:
    """As a number, which is the same in every encoding that these may have."""
    text = html.unescape(name[0].decode("ascii"))
    return b"".join(b"&#%d;" % ord(each) for each in text) if not text.startswith("&") else name[0]
