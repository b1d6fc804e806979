"""The admin page's files: read once, packed once, and kept by browsers for as long as they stay the same.

index.html names the others under `page/<digest of all of them>/`, so that what a browser has kept is never of another
version, and the modules find each other by relative imports whatever a proxy puts before the path.
"""

import asyncio
import gzip
import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from aiohttp import web

from koe.adapters.http.endpoints import Endpoint
from koe.adapters.http.errors import HttpError

FOLDER = Path(__file__).with_name("page")
CURRENT = "current"
"""In place of the digest: in index.html as it lies on disk, and for whoever doesn't know it."""

_INDEX = "index.html"
_KEPT = "public, max-age=31536000, immutable"
_ASKED_AGAIN = "no-cache"

_TYPES = {
    ".html": "text/html",
    ".css": "text/css",
    ".js": "text/javascript",
    ".json": "application/json",
    ".svg": "image/svg+xml",
}
"""Nothing else is served: neither licences nor the types that the checks need."""


@dataclass(frozen=True, slots=True)
class PageFile:
    content: bytes
    packed: bytes
    """gzip"""
    content_type: str
    tag: str


@dataclass(frozen=True, slots=True)
class Page:
    index: PageFile
    version: str
    files: Mapping[str, PageFile]
    """By their path, such as `views/speak.js`."""


@cache
def load_page(folder: Path = FOLDER) -> Page:
    """Blocks."""
    paths = sorted(path for path in folder.rglob("*") if path.suffix in _TYPES and not path.name.startswith("."))
    contents = {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}
    version = hashlib.sha256(b"".join(name.encode() + b"\0" + each for name, each in contents.items())).hexdigest()[:16]
    index = contents.pop(_INDEX).replace(f"page/{CURRENT}/".encode(), f"page/{version}/".encode())
    return Page(_file(_INDEX, index), version, {name: _file(name, each) for name, each in contents.items()})


async def show_index(request: web.Request) -> web.Response:
    page = await asyncio.to_thread(load_page)
    return _answer(request, page.index, _ASKED_AGAIN)


async def show_file(request: web.Request) -> web.Response:
    page = await asyncio.to_thread(load_page)
    version, name = request.match_info["version"], request.match_info["file"]
    # A page that is still open from before an update must not get half of the new one: it says that it is to be
    # loaded again.
    if version not in (page.version, CURRENT):
        raise HttpError(404, "the page has been updated since: load it again", code="not-found")
    if (file := page.files.get(name)) is None:
        raise HttpError(404, "the page has no such file", code="not-found")
    return _answer(request, file, _KEPT if version == page.version else _ASKED_AGAIN)


def endpoints() -> Iterator[Endpoint]:
    """Without a token: nothing private is in the page itself, which asks for the token."""
    tag = "Admin page"
    yield Endpoint(
        "GET",
        "/",
        show_index,
        "The admin page.",
        tag=tag,
        answers={200: "text/html", 304: ""},
        needs_token=False,
    )
    yield Endpoint(
        "GET",
        "/page/{version}/{file:.+}",
        show_file,
        "What it is made of. `version` is in the page, or `current`.",
        tag=tag,
        answers={200: tuple(kind for kind in _TYPES.values() if kind != "text/html"), 304: ""},
        needs_token=False,
    )


def _file(name: str, content: bytes) -> PageFile:
    tag = hashlib.sha256(content).hexdigest()[:32]
    return PageFile(content, gzip.compress(content, mtime=0), _TYPES[Path(name).suffix], tag)


def _answer(request: web.Request, file: PageFile, kept: str) -> web.Response:
    packs = "gzip" in request.headers.get("Accept-Encoding", "")
    # The two are not the same bytes, so their tags differ.
    tag = f"{file.tag}-gz" if packs else file.tag
    headers = {"ETag": f'"{tag}"', "Cache-Control": kept, "Vary": "Accept-Encoding"}
    if any(each.value in (tag, "*") for each in request.if_none_match or ()):
        return web.Response(status=304, headers=headers)
    if packs:
        headers["Content-Encoding"] = "gzip"
    body = file.packed if packs else file.content
    charset = None if file.content_type in ("image/svg+xml", "application/json") else "utf-8"
    return web.Response(body=body, content_type=file.content_type, charset=charset, headers=headers)
