"""EPUB, as anybody may have made it -> chapters.

container.xml names the package document; its spine is the order of reading, and nav or NCX tell where chapters begin.
Nothing is unpacked to disk, and no file of the book is opened by more than its name in the archive.
"""

import posixpath
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import BinaryIO
from urllib.parse import unquote

from koe.core.errors import LimitExceeded, MalformedInput, NothingToSpeak
from koe.core.languages import canonical
from koe.core.problem import Problem, shown
from koe.pipelines.epub_archive import EpubArchive
from koe.pipelines.epub_text import Element, attribute, document, local, parse, text_of
from koe.pipelines.long_form_chapters import Chapter

_MOST_DOCUMENTS = 5_000
_MOST_ENTRIES = 20_000
"""Of a table of contents."""

_FONT_OBFUSCATION = ("http://www.idpf.org/2008/embedding", "http://ns.adobe.com/pdf/enc#RC")
"""Kinds of encryption that hide fonts, not text."""


@dataclass(frozen=True, slots=True)
class Book:
    title: str
    language: str | None
    """None where it doesn't say."""

    chapters: Sequence[Chapter]
    problems: Sequence[Problem]


@dataclass(frozen=True, slots=True)
class _Package:
    title: str
    language: str | None
    spine: tuple[str, ...]
    """Paths in the archive, in the order of reading."""

    contents: str
    """Path of nav or NCX; empty where there is neither."""


@dataclass(frozen=True, slots=True)
class _Entry:
    """Of the table of contents."""

    path: str
    fragment: str
    title: str


def read_epub(source: BinaryIO) -> Book:
    """Raises MalformedInput where it is no EPUB, is damaged or protected, LimitExceeded, NothingToSpeak."""
    with EpubArchive(source) as archive:
        _refuse_protected(archive)
        package = _package(archive)
        problems: list[Problem] = []
        entries = _contents(archive, package, problems)
        chapters = _chapters(archive, package, entries, problems)
    if not chapters:
        raise NothingToSpeak("the book has no text: it may consist of pictures")
    return Book(package.title, package.language, tuple(chapters), tuple(problems))


def _refuse_protected(archive: EpubArchive) -> None:
    if "META-INF/encryption.xml" not in archive:
        return
    methods = [
        each for each in _required(archive, "META-INF/encryption.xml").iter() if local(each) == "EncryptionMethod"
    ]
    used = [attribute(each, "Algorithm") for each in methods if local(each.getparent()) == "EncryptedData"]
    if any(each not in _FONT_OBFUSCATION for each in used):
        raise MalformedInput("the book is protected (DRM) and can't be read: use an edition without protection")


def _package(archive: EpubArchive) -> _Package:
    container = _required(archive, "META-INF/container.xml")
    path = next((attribute(each, "full-path") for each in container.iter() if local(each) == "rootfile"), "")
    root, folder = _required(archive, path), posixpath.dirname(path)
    elements = [each for each in root.iter() if isinstance(each.tag, str)]
    manifest = {attribute(each, "id"): each for each in elements if local(each) == "item"}
    read = [each for each in elements if local(each) == "itemref" and attribute(each, "linear") != "no"]
    if len(read) > _MOST_DOCUMENTS:
        raise LimitExceeded(f"the book has {len(read)} documents, and at most {_MOST_DOCUMENTS} are read")
    names = [attribute(each, "idref") for each in read]
    nav = next((each for each in manifest.values() if "nav" in attribute(each, "properties").split()), None)
    ncx = next(
        (each for each in manifest.values() if attribute(each, "media-type") == "application/x-dtbncx+xml"), None
    )
    contents = _resolve(folder, attribute(nav if nav is not None else ncx, "href"))[0]
    spine = [_resolve(folder, attribute(manifest[name], "href"))[0] for name in names if name in manifest]
    return _Package(
        _first(elements, "title"),
        _language(_first(elements, "language")),
        tuple(each for each in dict.fromkeys(spine) if each != contents),
        contents,
    )


def _contents(archive: EpubArchive, package: _Package, problems: list[Problem]) -> list[_Entry]:
    if not package.contents:
        return []
    if package.contents not in archive:
        problems.append(Problem(package.contents, "the table of contents is missing", "titles are taken from headings"))
        return []
    root = _required(archive, package.contents)
    folder = posixpath.dirname(package.contents)
    found = [_Entry(*_resolve(folder, href), title) for href, title in _links(root)]
    return found[:_MOST_ENTRIES]


def _links(root: Element) -> Iterator[tuple[str, str]]:
    """Of an NCX, or of a nav's table of contents, in their order."""
    if local(root) == "ncx":
        title = ""
        for each in root.iter():
            if local(each) == "navLabel":
                title = text_of(each)
            elif local(each) == "content":
                yield attribute(each, "src"), title
        return
    navs = [each for each in root.iter() if local(each) == "nav"]
    tables = [each for each in navs if "toc" in attribute(each, "type").split()] or navs[:1]
    for table in tables:
        yield from ((attribute(each, "href"), text_of(each)) for each in table.iter() if local(each) == "a")


def _chapters(
    archive: EpubArchive, package: _Package, entries: Sequence[_Entry], problems: list[Problem]
) -> list[Chapter]:
    """A document that the table of contents names begins a chapter, and so does each place in it that it names; any
    other document goes on with the chapter before it. Without a table, each document is one."""
    by_path: dict[str, list[_Entry]] = {}
    for entry in entries:
        by_path.setdefault(entry.path, []).append(entry)
    listed = any(path in by_path for path in package.spine)
    chapters: list[tuple[str, list[str]]] = []
    for path in package.spine:
        if path not in archive:
            problems.append(Problem(path, "the book lists this file, but it isn't there", "its text is left out"))
            continue
        read = document(archive.read(path))
        if read.is_broken:
            problems.append(Problem(path, "this file is damaged", "listen whether text is missing"))
        starts = _starts(by_path.get(path, []), read.anchors) if listed else {0: read.heading}
        for index, paragraph in enumerate(read.paragraphs):
            if index in starts or not chapters:
                chapters.append((starts.get(index, read.heading), []))
            chapters[-1][1].append(paragraph)
    return [Chapter(title, tuple(paragraphs)) for title, paragraphs in chapters]


def _starts(entries: Sequence[_Entry], anchors: Mapping[str, int]) -> dict[int, str]:
    """Paragraphs with which chapters begin, and their titles; of several entries for one place, the first."""
    starts: dict[int, str] = {}
    for entry in entries:
        starts.setdefault(anchors.get(entry.fragment, 0), entry.title)
    return starts


def _required(archive: EpubArchive, path: str) -> Element:
    if path not in archive:
        raise MalformedInput(f"this is no EPUB: {shown(path) if path else 'its package document'} is missing in it")
    root = parse(archive.read(path)).root
    if root is None:
        raise MalformedInput(f"the book is damaged: {shown(path)} is no XML")
    return root


def _resolve(folder: str, href: str) -> tuple[str, str]:
    """Path in the archive and fragment of a link; one that leads out of the book names nothing in it."""
    path, _, fragment = href.partition("#")
    return posixpath.normpath(posixpath.join(folder, unquote(path))) if path else "", unquote(fragment)


def _first(elements: Sequence[Element], name: str) -> str:
    return next((text_of(each)[:300] for each in elements if local(each) == name), "")


def _language(tag: str) -> str | None:
    try:
        return canonical(tag)
    except ValueError:
        return None
