"""How the admin page's files are served; what is in them is tested in tests/page."""

import gzip
import re
from pathlib import Path

import pytest

from koe.adapters.http.page_files import FOLDER, load_page
from tests.support.http_house import STRANGER as SOMEBODY
from tests.support.http_house import STRANGERS, http_house

PLAIN = {"Accept-Encoding": "identity"}
MOST_BYTES = 300_000
"""Of the page's first view, as it is sent."""


async def test_the_page_is_there_for_everybody(tmp_path: Path) -> None:
    async with http_house(tmp_path, trust=STRANGERS) as it, it.coming_from(SOMEBODY) as stranger:
        async with stranger.get("/") as answer:
            assert answer.status == 200
            assert answer.content_type == "text/html"
            assert "script-src 'self'" in answer.headers["Content-Security-Policy"]
            assert answer.headers["Cache-Control"] == "no-cache"
            text = await answer.text()
        # No address begins at the root: a proxy may have put the page below a path of its own.
        paths = re.findall(r'(?:src|href)="([^"]+)"', text)
        assert not any(path.startswith(("/", "http")) for path in paths)
        for path in (each for each in paths if each.startswith("page/")):
            async with stranger.get(f"/{path}") as answer:
                assert answer.status == 200, path


async def test_browsers_keep_files_for_as_long_as_they_are_the_same(tmp_path: Path) -> None:
    version = load_page().version
    async with http_house(tmp_path) as it:
        async with it.client.get(f"/page/{version}/app.js") as answer:
            assert answer.content_type == "text/javascript"
            assert "immutable" in answer.headers["Cache-Control"]
            tag = answer.headers["ETag"]
        async with it.client.get(f"/page/{version}/app.js", headers={"If-None-Match": tag}) as answer:
            assert answer.status == 304
        async with it.client.get("/page/current/app.js") as answer:
            assert answer.headers["Cache-Control"] == "no-cache"
        async with it.client.get("/page/0123456789abcdef/app.js") as answer:
            assert answer.status == 404


async def test_files_are_packed_for_who_can_unpack_them(tmp_path: Path) -> None:
    async with http_house(tmp_path) as it:
        async with it.client.get("/page/current/api.js", headers=PLAIN) as answer:
            assert "Content-Encoding" not in answer.headers
            plain, plain_tag = await answer.read(), answer.headers["ETag"]
        async with it.client.get("/page/current/api.js", headers={"Accept-Encoding": "gzip"}) as answer:
            assert answer.headers["Content-Encoding"] == "gzip"
            assert answer.headers["ETag"] != plain_tag
            assert await answer.read() == plain


@pytest.mark.parametrize(
    "path", ["vendor/lit/LICENSE", "api-types.d.ts", "../page_files.py", "%2e%2e/page_files.py", "i18n", "", "x" * 2000]
)
async def test_nothing_else_is_served(tmp_path: Path, path: str) -> None:
    async with http_house(tmp_path) as it, it.client.get(f"/page/current/{path}") as answer:
        assert answer.status == 404


def test_the_libraries_are_here_with_their_licences() -> None:
    for library in (FOLDER / "vendor").iterdir():
        assert "Redistribution" in (library / "LICENSE").read_text(encoding="utf-8")


def test_all_that_the_page_is_made_of_is_small() -> None:
    page = load_page()
    assert len(page.index.packed) + sum(len(file.packed) for file in page.files.values()) < MOST_BYTES
    assert all(gzip.decompress(file.packed) == file.content for file in page.files.values())
