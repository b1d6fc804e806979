"""The OpenAPI 3.1 document, made of the endpoints and their pydantic models, and a page to read it."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from aiohttp import web
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from koe import __version__
from koe.adapters.http.endpoints import Answer, Endpoint
from koe.adapters.http.errors import ErrorBody
from koe.adapters.http.openapi_page import STYLE, page

Json = dict[str, Any]

DOCUMENT: web.AppKey[Json] = web.AppKey("openapi", dict)
"""`request.app[DOCUMENT]`"""

_PARAMETER = re.compile(r"\{(\w+)(?::[^{}]*)?\}")

_TITLE = "Koe"
_DESCRIPTION = (
    "The voices of a house. From the machine itself no token is needed; everybody else sends it as "
    "`Authorization: Bearer ...`, or signs in for a cookie with POST /api/session."
)

_ERRORS: Mapping[int, str] = {
    400: "Something in the request isn't right: `param` names the field",
    401: "A token is needed, or this is not the one",
    403: "A page of another site may not do this, or nobody may",
    404: "There is no such thing",
    408: "The body came too slowly",
    413: "The body is too large",
    415: "The body is of another kind than this takes",
    421: "The server isn't known under this name: http.allowed_hosts",
    429: "Too much at once: Retry-After says when to come again",
    500: "An unexpected failure: the log has the details",
    502: "The engine failed",
    503: "Not now: Retry-After says when to come again",
    504: "It took longer than the settings allow",
}
"""What any request may get."""

_TEXTS = ("text/plain", "text/html", "text/css")

_WORDS: Mapping[int, str] = {
    101: "A WebSocket",
    200: "Done",
    201: "Made",
    202: "Begun",
    204: "Done, and nothing to say",
    206: "The part that was asked for (header Range)",
    304: "It hasn't changed (header If-None-Match)",
    409: "A variable or the command line, or what is there already, stands against it",
    416: "There is no such part",
    422: "Well-formed, but it can't be so: param names the field",
}


def document(endpoints: Iterable[Endpoint]) -> Json:
    """Its schemas are those by which requests are checked."""
    listed = list(endpoints)
    schemas, definitions = _schemas(listed)
    paths: dict[str, Json] = {}
    for endpoint in listed:
        operation = _operation(endpoint, schemas)
        paths.setdefault(_PARAMETER.sub(r"{\1}", endpoint.path), {})[endpoint.method.lower()] = operation
    return {
        "openapi": "3.1.0",
        "info": {"title": _TITLE, "version": __version__, "description": _DESCRIPTION},
        "tags": [{"name": tag} for tag in dict.fromkeys(endpoint.tag for endpoint in listed if endpoint.tag)],
        "paths": paths,
        "components": {
            "schemas": definitions,
            "responses": {f"Error{status}": _error(status, schemas) for status in _ERRORS},
            "securitySchemes": {
                "token": {"type": "http", "scheme": "bearer"},
                "session": {"type": "apiKey", "in": "cookie", "name": "koe_session"},
            },
        },
    }


def methods(endpoint: Endpoint) -> Sequence[str]:
    """A GET that answers at once may be asked for its head alone."""
    streams = any("event-stream" in each for each in _all_answers(endpoint) if isinstance(each, str))
    headless = streams or 101 in endpoint.answers
    return ("GET", "HEAD") if endpoint.method == "GET" and not headless else (endpoint.method,)


async def show_document(request: web.Request) -> web.Response:
    return web.json_response(request.app[DOCUMENT])


async def show_page(request: web.Request) -> web.Response:
    document = request.app[DOCUMENT]
    return web.Response(text=page(document), content_type="text/html")


async def show_style(request: web.Request) -> web.Response:
    return web.Response(text=STYLE, content_type="text/css")


def endpoints() -> Iterator[Endpoint]:
    tag = "Documentation"
    yield Endpoint("GET", "/openapi.json", show_document, "This document.", tag=tag, answers={200: "application/json"})
    yield Endpoint("GET", "/docs", show_page, "The same for people.", tag=tag, answers={200: "text/html"})
    yield Endpoint("GET", "/docs/style.css", show_style, "How that looks.", tag=tag, answers={200: "text/css"})


def _schemas(endpoints: Sequence[Endpoint]) -> tuple[Mapping[tuple[type[BaseModel], str], Json], Json]:
    """A reference for each model as it is read and as it is written, and what they lead to."""
    asked: list[tuple[type[BaseModel], Any]] = [(ErrorBody, "serialization")]
    for endpoint in endpoints:
        asked += [
            (model, "validation") for model in (endpoint.body, endpoint.form, endpoint.query) if model is not None
        ]
        asked += [(each, "serialization") for each in _all_answers(endpoint) if isinstance(each, type)]
    found, definitions = models_json_schema(
        list(dict.fromkeys(asked)), ref_template="#/components/schemas/{model}", by_alias=True
    )
    return {(model, mode): schema for (model, mode), schema in found.items()}, definitions.get("$defs", {})  # type: ignore[misc]


def _all_answers(endpoint: Endpoint) -> Iterator[Answer]:
    for answer in endpoint.answers.values():
        yield from answer if isinstance(answer, tuple) else (answer,)


def _operation(endpoint: Endpoint, schemas: Mapping[tuple[type[BaseModel], str], Json]) -> Json:
    operation: Json = {"summary": endpoint.summary, "operationId": _name(endpoint)}
    if endpoint.tag:
        operation["tags"] = [endpoint.tag]
    if parameters := [*_path_parameters(endpoint), *_query_parameters(endpoint)]:
        operation["parameters"] = parameters
    if content := _body(endpoint, schemas):
        operation["requestBody"] = {"required": True, "content": content}
    own = {str(status): _answer(status, answer, schemas) for status, answer in endpoint.answers.items()}
    errors = {str(status): {"$ref": f"#/components/responses/Error{status}"} for status in _ERRORS}
    operation["responses"] = {**errors, **own}
    # From the machine itself nothing is needed: the empty one.
    operation["security"] = [{"token": []}, {"session": []}, {}] if endpoint.needs_token else []
    return operation


def _name(endpoint: Endpoint) -> str:
    """Such as `post_v1_audio_speech`: clients that are generated call their functions so."""
    words = re.findall(r"\w+", _PARAMETER.sub(r"\1", endpoint.path))
    return "_".join([endpoint.method.lower(), *words])


def _path_parameters(endpoint: Endpoint) -> Iterator[Json]:
    for name in _PARAMETER.findall(endpoint.path):
        yield {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}


def _query_parameters(endpoint: Endpoint) -> Iterator[Json]:
    if endpoint.query is None:
        return
    schema = endpoint.query.model_json_schema(ref_template="#/components/schemas/{model}")
    for name, each in schema.get("properties", {}).items():
        parameter: Json = {"name": name, "in": "query", "required": name in schema.get("required", ())}
        if "description" in each:
            parameter["description"] = each["description"]
        yield {**parameter, "schema": each}


def _body(endpoint: Endpoint, schemas: Mapping[tuple[type[BaseModel], str], Json]) -> Json:
    content: Json = {}
    if endpoint.body is not None:
        content["application/json"] = {"schema": schemas[endpoint.body, "validation"]}
    if endpoint.uploads:
        form = schemas[endpoint.form, "validation"] if endpoint.form is not None else {"type": "object"}
        content["multipart/form-data"] = {"schema": form}
    for kind in endpoint.raw:
        content[kind] = {"schema": {"type": "string", "format": "binary"}}
    return content


def _answer(
    status: int, answer: Answer | tuple[Answer, ...], schemas: Mapping[tuple[type[BaseModel], str], Json]
) -> Json:
    content: Json = {}
    for each in answer if isinstance(answer, tuple) else (answer,):
        if isinstance(each, type):
            content.setdefault("application/json", {"schema": schemas[each, "serialization"]})
        elif each:
            content[each] = {"schema": {"type": "string"}} if each in _TEXTS else {}
    described: Json = {"description": _WORDS.get(status, _ERRORS.get(status, "Done"))}
    return {**described, "content": content} if content else described


def _error(status: int, schemas: Mapping[tuple[type[BaseModel], str], Json]) -> Json:
    answer: Json = {
        "description": _ERRORS[status],
        "content": {"application/json": {"schema": schemas[ErrorBody, "serialization"]}},
    }
    if status in (429, 503):
        answer["headers"] = {"Retry-After": {"description": "Seconds", "schema": {"type": "integer"}}}
    return answer
