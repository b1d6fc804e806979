"""A player may ask for any part of a clip, and gets just that."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.adapters.http.test_voices import anna, making
from tests.support.http_house import HttpHouse

CLIP = "/api/voices/anna/references/1"


@pytest_asyncio.fixture
async def it(tmp_path: Path) -> AsyncIterator[HttpHouse]:
    async with making(tmp_path) as house:
        await anna(house)
        yield house


async def whole(it: HttpHouse) -> tuple[bytes, str]:
    async with it.client.get(CLIP) as answer:
        assert (answer.status, answer.headers["Accept-Ranges"]) == (200, "bytes")
        return await answer.read(), answer.headers["ETag"]


@pytest.mark.parametrize(
    ("wanted", "first", "last"), [("0-0", 0, 0), ("44-99", 44, 99), ("10-", 10, -1), ("-7", -7, -1)]
)
async def test_a_part(it: HttpHouse, wanted: str, first: int, last: int) -> None:
    clip, _ = await whole(it)
    begin, end = first % len(clip), last % len(clip)
    async with it.client.get(CLIP, headers={"Range": f"bytes={wanted}"}) as answer:
        assert (answer.status, answer.content_type) == (206, "audio/wav")
        assert answer.headers["Content-Range"] == f"bytes {begin}-{end}/{len(clip)}"
        assert await answer.read() == clip[begin : end + 1]


async def test_a_part_that_reaches_behind_the_end_ends_with_it(it: HttpHouse) -> None:
    clip, _ = await whole(it)
    for wanted in ("5-999999999999999", "-999999999999999"):
        async with it.client.get(CLIP, headers={"Range": f"bytes={wanted}"}) as answer:
            assert answer.status == 206
            assert clip.endswith(await answer.read())


@pytest.mark.parametrize("wanted", ["{length}-", "{length}-{length}", "999999999999-", "-0"])
async def test_a_part_behind_the_end_is_none(it: HttpHouse, wanted: str) -> None:
    clip, _ = await whole(it)
    async with it.client.get(CLIP, headers={"Range": "bytes=" + wanted.format(length=len(clip))}) as answer:
        assert (answer.status, answer.headers["Content-Range"]) == (416, f"bytes */{len(clip)}")
        assert (await answer.json())["error"]["code"] == "malformed-input"


@pytest.mark.parametrize(
    "wanted", ["", "bytes", "bytes=", "bytes=-", "bytes=5-4", "bytes=0-1,3-4", "lines=0-1", "x" * 99]
)
async def test_a_range_that_means_nothing_means_all(it: HttpHouse, wanted: str) -> None:
    clip, _ = await whole(it)
    async with it.client.get(CLIP, headers={"Range": wanted}) as answer:
        assert (answer.status, await answer.read()) == (200, clip)


async def test_a_part_of_an_older_file_is_the_whole_of_the_new_one(it: HttpHouse) -> None:
    clip, tag = await whole(it)
    for known, status in ((tag, 206), ('"another"', 200), (f"W/{tag}", 200)):
        async with it.client.get(CLIP, headers={"Range": "bytes=0-9", "If-Range": known}) as answer:
            assert (answer.status, len(await answer.read())) == (status, 10 if status == 206 else len(clip))


async def test_who_has_it_already_gets_nothing(it: HttpHouse) -> None:
    _, tag = await whole(it)
    for known in (tag, f'"other", {tag}', "*", f"W/{tag}"):
        async with it.client.get(CLIP, headers={"If-None-Match": known}) as answer:
            assert (answer.status, await answer.read(), answer.headers["ETag"]) == (304, b"", tag)
    async with it.client.get(CLIP, headers={"If-None-Match": '"other"'}) as answer:
        assert answer.status == 200


async def test_its_head_tells_its_length(it: HttpHouse) -> None:
    clip, tag = await whole(it)
    async with it.client.head(CLIP, headers={"Range": "bytes=0-9"}) as answer:
        assert (answer.status, answer.headers["ETag"]) == (200, tag)
        assert answer.headers["Content-Length"] == str(len(clip))
