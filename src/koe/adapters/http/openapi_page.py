"""The documentation as one page of HTML: made here, without scripts, and without anything from elsewhere."""

import json
from collections.abc import Iterator, Mapping
from html import escape
from typing import Any

Json = Mapping[str, Any]

STYLE = """\
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
body { max-width: 60rem; margin: 0 auto; padding: 1rem; }
code, pre { font-family: ui-monospace, monospace; font-size: 0.9em; }
pre { overflow-x: auto; padding: 0.5rem; background: rgb(128 128 128 / 12%); border-radius: 4px; }
section > h2 { border-bottom: 1px solid; margin-top: 2.5rem; }
summary { cursor: pointer; padding: 0.3rem 0; }
summary b { display: inline-block; min-width: 4.5rem; }
details > div { padding: 0 0 1rem 1rem; }
table { border-collapse: collapse; }
td { vertical-align: top; padding: 0.2rem 1rem 0.2rem 0; border-bottom: 1px solid rgb(128 128 128 / 30%); }
"""


def page(document: Json) -> str:
    chapters = "".join(_chapters(document))
    info = document["info"]
    title = escape(f"{info['title']} {info['version']}")
    return (
        "<!doctype html>\n"
        f'<html lang="en"><head><meta charset="utf-8"><title>{title}</title>\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<link rel="stylesheet" href="docs/style.css"></head><body>\n'
        f"<h1>{title}</h1><p>{escape(info['description'])}</p>\n"
        '<p>For programs: <a href="openapi.json">openapi.json</a> (OpenAPI 3.1).</p>\n'
        f"{chapters}</body></html>\n"
    )


def _chapters(document: Json) -> Iterator[str]:
    by_tag: dict[str, list[str]] = {}
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            tag = operation.get("tags", ["Others"])[0]
            by_tag.setdefault(tag, []).append(_operation(document, method.upper(), path, operation))
    for tag, operations in by_tag.items():
        yield f"<section><h2>{escape(tag)}</h2>\n{''.join(operations)}</section>\n"


def _operation(document: Json, method: str, path: str, operation: Json) -> str:
    content = operation.get("requestBody", {}).get("content", {})
    parts = [_table("In the path and behind the ?", _parameters(document, operation))]
    for kind, body in content.items():
        parts.append(_table(f"Body: {kind}", _fields(document, body["schema"])))
        if (example := _example(document, body["schema"])) not in (None, {}):
            parts.append(f"<pre>{escape(json.dumps(example, indent=2, ensure_ascii=False))}</pre>")
    parts.append(_table("Answers", _answers(document, operation)))
    token = "" if operation["security"] else "<p>Needs no token.</p>"
    return (
        f"<details><summary><b>{method}</b> <code>{escape(path)}</code> {escape(operation['summary'])}</summary>"
        f"<div>{token}{''.join(parts)}</div></details>\n"
    )


def _table(title: str, rows: list[tuple[str, str, str]]) -> str:
    if not rows:
        return ""
    cells = "".join(
        f"<tr><td><code>{escape(name)}</code></td><td>{escape(kind)}</td><td>{escape(words)}</td></tr>"
        for name, kind, words in rows
    )
    return f"<h4>{escape(title)}</h4><table>{cells}</table>"


def _parameters(document: Json, operation: Json) -> list[tuple[str, str, str]]:
    return [
        (each["name"], _kind(document, each["schema"]), each.get("description", ""))
        for each in operation.get("parameters", ())
    ]


def _fields(document: Json, schema: Json) -> list[tuple[str, str, str]]:
    schema = _resolved(document, schema)
    needed = schema.get("required", ())
    rows = []
    for name, each in schema.get("properties", {}).items():
        words = [each.get("description", ""), _limits(each)]
        if name in needed:
            words.append("needed")
        elif each.get("default") is not None:
            words.append(f"default {json.dumps(each['default'], ensure_ascii=False)}")
        rows.append((name, _kind(document, each), "; ".join(filter(None, words))))
    return rows


def _answers(document: Json, operation: Json) -> list[tuple[str, str, str]]:
    rows = []
    for status, answer in sorted(operation["responses"].items()):
        # What any request may get is told once, in openapi.json.
        if "$ref" in answer:
            continue
        rows.append((status, ", ".join(answer.get("content", {})), answer["description"]))
        for body in answer.get("content", {}).values():
            rows += [(f"  {name}", kind, words) for name, kind, words in _fields(document, body.get("schema", {}))]
    return rows


def _kind(document: Json, schema: Json) -> str:
    if "$ref" in schema:
        return _kind(document, _resolved(document, schema))
    if choices := schema.get("enum") or ([schema["const"]] if "const" in schema else []):
        return " or ".join(map(str, choices))
    if either := schema.get("anyOf") or schema.get("oneOf"):
        return " or ".join(dict.fromkeys(_kind(document, each) for each in either))
    if schema.get("type") == "array":
        return f"list of {_kind(document, schema.get('items', {}))}"
    if schema.get("format") == "binary":
        return "file"
    return str(schema.get("type", "anything"))


def _limits(schema: Json) -> str:
    words = {
        "minimum": "at least {}",
        "maximum": "at most {}",
        "exclusiveMinimum": "more than {}",
        "exclusiveMaximum": "less than {}",
        "minLength": "at least {} characters",
        "maxLength": "at most {} characters",
        "minItems": "at least {} of them",
        "maxItems": "at most {} of them",
    }
    either = [schema, *schema.get("anyOf", ())]
    return ", ".join(text.format(each[key]) for each in either for key, text in words.items() if key in each)


def _example(document: Json, schema: Json) -> object:
    """Made of the examples that the fields give; None where they give none."""
    schema = _resolved(document, schema)
    if examples := schema.get("examples"):
        return examples[0]
    fields = schema.get("properties", {})
    found = {name: _example(document, each) for name, each in fields.items()}
    return {name: value for name, value in found.items() if value is not None} if fields else None


def _resolved(document: Json, schema: Json) -> Json:
    name = schema.get("$ref", "").rpartition("/")[2]
    return document["components"]["schemas"][name] if name else schema
