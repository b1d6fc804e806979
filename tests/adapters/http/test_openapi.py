"""The document says what the server does, and the server does what the document says."""

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from pydantic import BaseModel, Field

from koe.adapters.http import voices
from koe.adapters.http.endpoints import Endpoint, FormFile
from koe.adapters.http.openapi import document
from koe.adapters.http.openapi_page import page
from tests.adapters.http.conftest import Sample
from tests.support.http_house import fuzz, http_house


class Wish(BaseModel):
    text: str = Field(description="What to <say>.", min_length=1, max_length=20, examples=["Hello."])
    loud: bool = False


class Told(BaseModel):
    text: str
    again: "Told | None" = None


async def nothing(request: web.Request) -> web.Response:
    return web.Response()


ENDPOINTS = (
    Endpoint(
        "POST",
        "/say/{name:[a-z]+}/{number}",
        nothing,
        "Say <it>.",
        tag="Talk & more",
        body=Wish,
        uploads=True,
        query=Wish,
        answers={200: (Told, "audio/wav"), 409: Told},
    ),
    Endpoint("GET", "/events", nothing, "Go on.", answers={200: "text/event-stream"}, needs_token=False),
    Endpoint("DELETE", "/say/{name:[a-z]+}/{number}", nothing, "Forget it.", answers={204: ""}),
)


def references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        yield from (value["$ref"],) if isinstance(value.get("$ref"), str) else ()
        for each in value.values():
            yield from references(each)
    elif isinstance(value, list):
        for each in value:
            yield from references(each)


def test_every_endpoint_is_described() -> None:
    found = document(ENDPOINTS)
    assert found["openapi"].startswith("3.1")
    operations = found["paths"]["/say/{name}/{number}"]
    assert set(operations) == {"post", "delete"}
    say = operations["post"]
    assert set(say["requestBody"]["content"]) == {"application/json", "multipart/form-data"}
    assert set(say["responses"]["200"]["content"]) == {"application/json", "audio/wav"}
    assert [(each["name"], each["in"], each["required"]) for each in say["parameters"]] == [
        ("name", "path", True),
        ("number", "path", True),
        ("text", "query", True),
        ("loud", "query", False),
    ]
    assert "content" not in operations["delete"]["responses"]["204"]
    assert found["paths"]["/events"]["get"]["security"] == []
    assert {"token": []} in say["security"]


def test_every_error_has_the_same_form() -> None:
    found = document(ENDPOINTS)
    for operations in found["paths"].values():
        for operation in operations.values():
            assert {"400", "401", "403", "404", "413", "429", "500", "503"} <= set(operation["responses"])
    errors = found["components"]["schemas"]["ErrorDetail"]
    assert set(errors["properties"]) == {"message", "type", "param", "code"}


def test_every_reference_leads_somewhere() -> None:
    found = document(ENDPOINTS)
    for reference in references(found):
        place: Any = found
        for step in reference.removeprefix("#/").split("/"):
            place = place[step]
        assert place


def test_names_of_operations_are_unique(sample: Sample) -> None:
    found = document((*ENDPOINTS, *sample.endpoints))
    names = [each["operationId"] for operations in found["paths"].values() for each in operations.values()]
    assert len(set(names)) == len(names) == len(ENDPOINTS) + len(sample.endpoints)
    assert all(re.fullmatch(r"[a-z][A-Za-z0-9_]*", name) for name in names)


class Reader(HTMLParser):
    """Every tag with its attributes, and the text."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


def test_the_page_shows_all_of_it_and_needs_nothing_else() -> None:
    reader = Reader()
    reader.feed(page(document(ENDPOINTS)))
    for word in ("Talk & more", "/say/{name}/{number}", "Say <it>.", "What to <say>.", '"Hello."', "text/event-stream"):
        assert word in reader.text
    assert "at most 20 characters" in reader.text
    for tag, attributes in reader.tags:
        assert tag not in ("script", "style", "iframe", "img")
        assert not [name for name in attributes if name.startswith("on") or name == "style"]
        for link in ("href", "src"):
            assert "//" not in (attributes.get(link) or "")


async def test_the_page_and_its_style_are_served(tmp_path: Path) -> None:
    async with http_house(tmp_path) as it:
        async with it.client.get("/docs") as answer:
            assert answer.content_type == "text/html"
            assert "POST" in await answer.text()
        async with it.client.get("/docs/style.css") as answer:
            assert answer.content_type == "text/css"
        async with it.client.get("/openapi.json") as answer:
            assert {"/health", "/ready", "/metrics", "/api/session"} <= set((await answer.json())["paths"])


@pytest.mark.timeout(120)
async def test_made_up_requests_find_no_failure_and_no_undocumented_answer(tmp_path: Path, sample: Sample) -> None:
    endpoints = [each for each in sample.endpoints if each.tag == "Sample"]
    async with http_house(tmp_path, endpoints, requests_per_minute=1_000_000) as it:
        await fuzz(it)


async def test_a_failure_is_found(tmp_path: Path, sample: Sample) -> None:
    [fail] = [each for each in sample.endpoints if each.path == "/fail"]
    async with http_house(tmp_path, [fail], requests_per_minute=1_000_000) as it:
        with pytest.raises(BaseException, match="Server error"):
            await fuzz(it, examples=1)


class Parcel(BaseModel):
    wish: Wish
    clips: list[FormFile] = Field(default=[], description="What was <said>.")
    cover: FormFile | None = None


def test_a_form_is_described_with_its_files() -> None:
    endpoint = Endpoint("POST", "/send", nothing, "Send it.", uploads=True, form=Parcel, raw=("application/zip",))
    found = document([endpoint])
    content = found["paths"]["/send"]["post"]["requestBody"]["content"]
    assert set(content) == {"multipart/form-data", "application/zip"}
    form = found["components"]["schemas"][content["multipart/form-data"]["schema"]["$ref"].rpartition("/")[2]]
    assert form["required"] == ["wish"]
    assert form["properties"]["clips"]["items"] == {"type": "string", "format": "binary"}
    assert form["properties"]["wish"] == {"$ref": "#/components/schemas/Wish"}
    reader = Reader()
    reader.feed(page(found))
    assert "list of file" in reader.text
    assert "What was <said>." in reader.text


def test_every_form_about_voices_is_described() -> None:
    found = document(voices.ENDPOINTS)
    for operations in found["paths"].values():
        for operation in operations.values():
            form = operation.get("requestBody", {}).get("content", {}).get("multipart/form-data")
            assert form is None or "$ref" in form["schema"], operation["operationId"]
