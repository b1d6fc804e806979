import io
import struct
import zipfile
from collections.abc import Mapping

import pytest

from koe.core.errors import KoeError, LimitExceeded, MalformedInput, NothingToSpeak
from koe.pipelines.epub import Book, read_epub
from koe.pipelines.epub_archive import MOST_ENTRY
from koe.pipelines.long_form import LongFormKind, LongFormOptions, plan_long_form
from koe.pipelines.long_form_chapters import Chapter

CONTAINER = """<?xml version="1.0"?>
<container version="1.0" xmlns="urn:oasis:names:tc:opendocument:xmlns:container">
  <rootfiles><rootfile full-path="OPS/book.opf" media-type="application/oebps-package+xml"/></rootfiles>
</container>"""

NAV = """<html xmlns="http://www.w3.org/1999/xhtml" xmlns:epub="http://www.idpf.org/2007/ops"><body>
<nav epub:type="landmarks"><ol><li><a href="text/one.xhtml">Start</a></li></ol></nav>
<nav epub:type="toc"><ol><li><a href="text/one.xhtml">The <b>First</b></a></li>
<li><a href="text/two%20b.xhtml#middle">The Second</a></li></ol></nav></body></html>"""

NCX = """<ncx xmlns="http://www.daisy.org/z3986/2005/ncx/"><navMap>
<navPoint><navLabel><text>The First</text></navLabel><content src="text/one.xhtml"/>
<navPoint><navLabel><text>The Second</text></navLabel><content src="text/two%20b.xhtml#middle"/></navPoint>
</navPoint></navMap></ncx>"""

ONE = (
    "<h1>One</h1><p>It was&nbsp;dark<a epub:type='noteref' href='#n'>1</a>.</p><aside epub:type='footnote'>No.</aside>"
)
TWO = "<p>Nobody came.</p><div id='middle'>Then <ruby>山<rt>やま</rt></ruby>,<br/>at last, <i>she</i> did.</div>"


def page(body: str, head: str = "<title/>") -> str:
    return f"""<?xml version="1.0" encoding="utf-8"?>
<!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.1//EN" "http://www.w3.org/TR/xhtml11/DTD/xhtml11.dtd">
<html xmlns="http://www.w3.org/1999/xhtml" xmlns:epub="http://www.idpf.org/2007/ops">
<head>{head}</head><body>{body}</body></html>"""


def package(contents: str = "nav", spine: str = "") -> str:
    items = {
        "nav": '<item id="toc" href="nav.xhtml" media-type="application/xhtml+xml" properties="nav"/>',
        "ncx": '<item id="toc" href="toc.ncx" media-type="application/x-dtbncx+xml"/>',
        "": "",
    }
    return f"""<package xmlns="http://www.idpf.org/2007/opf" xmlns:dc="http://purl.org/dc/elements/1.1/" version="3.0">
<metadata><dc:title>The Lighthouse</dc:title><dc:language>en_gb</dc:language></metadata>
<manifest>{items[contents]}
<item id="one" href="text/one.xhtml" media-type="application/xhtml+xml"/>
<item id="two" href="text/two%20b.xhtml" media-type="application/xhtml+xml"/>
<item id="ad" href="text/ad.xhtml" media-type="application/xhtml+xml"/></manifest>
<spine><itemref idref="one"/><itemref idref="toc"/>
<itemref idref="two"/><itemref idref="ad" linear="no"/>{spine}</spine>
</package>"""


FILES = {
    "mimetype": "application/epub+zip",
    "META-INF/container.xml": CONTAINER,
    "OPS/book.opf": package(),
    "OPS/nav.xhtml": NAV,
    "OPS/toc.ncx": NCX,
    "OPS/text/one.xhtml": page(ONE),
    "OPS/text/two b.xhtml": page(TWO),
    "OPS/text/ad.xhtml": page("<p>Buy more.</p>"),
}


def packed(files: Mapping[str, str | bytes]) -> bytes:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as book:
        for name, content in files.items():
            book.writestr(name, content)
    return archive.getvalue()


def read_with(changed: Mapping[str, str | bytes]) -> Book:
    return read_epub(io.BytesIO(packed({**FILES, **changed})))


SECOND = "Then 山, at last, she did."


@pytest.mark.parametrize("contents", ["nav", "ncx"])
def test_chapters_begin_where_the_table_of_contents_says(contents: str) -> None:
    book = read_with({"OPS/book.opf": package(contents)})
    assert (book.title, book.language, book.problems) == ("The Lighthouse", "en-GB", ())
    assert book.chapters == (
        Chapter("The First", ("One", "It was dark.", "Nobody came.")),
        Chapter("The Second", (SECOND,)),
    )


def test_without_a_table_of_contents_each_document_is_a_chapter() -> None:
    assert read_with({"OPS/book.opf": package("")}).chapters == (
        Chapter("One", ("One", "It was dark.")),
        Chapter("", ("Nobody came.", SECOND)),
    )


def test_it_is_planned_in_its_own_language() -> None:
    plan = plan_long_form(io.BytesIO(packed(FILES)), LongFormKind.EPUB, LongFormOptions(), [])
    assert plan.is_ready
    assert (plan.title, plan.language, plan.items[0].how.language) == ("The Lighthouse", "en-GB", "en-GB")
    assert [(item.file, item.text) for item in plan.items][-1] == ("002-The-Second", SECOND)


def test_what_is_missing_or_damaged_is_told_and_the_rest_is_read() -> None:
    files = {**FILES, "OPS/text/two b.xhtml": page("<p>Nobody <b>came.</p>"), "OPS/book.opf": package("ncx")}
    del files["OPS/text/one.xhtml"], files["OPS/toc.ncx"]
    book = read_epub(io.BytesIO(packed(files)))
    assert book.chapters == (Chapter("", ("Nobody came.",)),)
    assert [(each.where, each.wrong) for each in book.problems] == [
        ("OPS/toc.ncx", "the table of contents is missing"),
        ("OPS/text/one.xhtml", "the book lists this file, but it isn't there"),
        ("OPS/text/two b.xhtml", "this file is damaged"),
    ]


@pytest.mark.parametrize(
    "href", ["../../../etc/passwd", "/etc/passwd", "file:///etc/passwd", "%2e%2e/%2e%2e/etc/passwd"]
)
def test_no_link_leads_out_of_the_book(href: str) -> None:
    book = read_with({"OPS/book.opf": package().replace("text/one.xhtml", href)})
    assert [each.wrong for each in book.problems] == ["the book lists this file, but it isn't there"]
    assert book.chapters[0].paragraphs == ("Nobody came.",)


def test_entities_neither_grow_nor_fetch() -> None:
    entities = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, 10))
    bomb = f'<!DOCTYPE html [<!ENTITY e0 "{"ha" * 100}">{entities}<!ENTITY file SYSTEM "file:///etc/passwd">]>'
    text = (
        page("<p>Hello.</p><p>&e9;</p><p>&file;</p>")
        .replace("<!DOCTYPE html", f"{bomb}<!--", 1)
        .replace('dtd">', "-->")
    )
    book = read_with({"OPS/text/one.xhtml": text})
    assert sum(len(each) for chapter in book.chapters for each in chapter.paragraphs) < 200


@pytest.mark.parametrize(
    "body", ["<p>" * 20_000, "<a " * 20_000, "<!--" * 20_000, "&x;" * 20_000, "<div>x" * 200 + "y"]
)
def test_no_document_keeps_it_busy(body: str) -> None:
    read_with({"OPS/text/one.xhtml": page(f"<p>Hello.</p>{body}")})


def test_a_protected_book_is_refused_and_hidden_fonts_are_not() -> None:
    encryption = """<encryption xmlns="urn:oasis:names:tc:opendocument:xmlns:container">
<EncryptedData xmlns="http://www.w3.org/2001/04/xmlenc#"><EncryptionMethod Algorithm="{}"/>
<CipherData><CipherReference URI="OPS/text/one.xhtml"/></CipherData></EncryptedData></encryption>"""
    with pytest.raises(MalformedInput, match="DRM"):
        read_with({"META-INF/encryption.xml": encryption.format("http://www.w3.org/2001/04/xmlenc#aes128-cbc")})
    assert read_with({"META-INF/encryption.xml": encryption.format("http://www.idpf.org/2008/embedding")}).chapters


def test_a_document_that_unpacks_to_far_more_is_refused_before_it_does() -> None:
    with pytest.raises(LimitExceeded, match="packed more than"):
        read_with({"OPS/text/one.xhtml": page("x" * (8 * 1024 * 1024))})


def test_a_document_that_is_too_large_is_refused() -> None:
    archive = io.BytesIO(packed({name: data for name, data in FILES.items() if "one" not in name}))
    with zipfile.ZipFile(archive, "a") as book:
        book.writestr("OPS/text/one.xhtml", b"x" * (MOST_ENTRY + 1), zipfile.ZIP_STORED)
    with pytest.raises(LimitExceeded, match="larger than 16 MiB"):
        read_epub(archive)


def test_a_book_of_too_many_documents_is_refused() -> None:
    with pytest.raises(LimitExceeded, match="5003 documents"):
        read_with({"OPS/book.opf": package(spine='<itemref idref="one"/>' * 5000)})


def test_a_directory_of_too_many_entries_is_refused_before_it_is_read() -> None:
    data = bytearray(packed(FILES))
    struct.pack_into("<HH", data, data.rindex(b"PK\5\6") + 8, 60_000, 60_000)
    with pytest.raises(LimitExceeded, match="files in it"):
        read_epub(io.BytesIO(data))


def test_an_encrypted_entry_is_refused() -> None:
    data = bytearray(packed(FILES))
    at = data.index(b"PK\1\2", data.rindex(b"OPS/text/one.xhtml") - 60)
    struct.pack_into("<H", data, at + 8, 1)
    with pytest.raises(MalformedInput, match="encrypted"):
        read_epub(io.BytesIO(data))


@pytest.mark.parametrize(
    ("data", "error"),
    [
        (b"", MalformedInput),
        (b"Once upon a time.", MalformedInput),
        (b"PK\5\6", MalformedInput),
        (packed(FILES)[:-30], MalformedInput),
        (packed({"a.txt": "a"}), MalformedInput),
        (packed({**FILES, "META-INF/container.xml": "no XML"}), MalformedInput),
        (packed({**FILES, "META-INF/container.xml": "<container/>"}), MalformedInput),
        (packed({**FILES, "OPS/book.opf": ""}), MalformedInput),
        (packed({**FILES, "OPS/book.opf": "<package/>"}), NothingToSpeak),
        (packed({**FILES, "OPS/text/one.xhtml": page("<img/>"), "OPS/text/two b.xhtml": ""}), NothingToSpeak),
    ],
)
def test_what_is_no_readable_book_is_refused_in_words(data: bytes, error: type[KoeError]) -> None:
    with pytest.raises(error):
        read_epub(io.BytesIO(data))


def test_no_damaged_byte_is_more_than_a_named_failure() -> None:
    whole = packed(FILES)
    for at in range(0, len(whole), 7):
        data = bytearray(whole)
        data[at] ^= 0xFF
        try:
            read_epub(io.BytesIO(data))
        except KoeError as error:
            assert error.message
