"""The documentation as one page of HTML: made here, without scripts, and without anything from elsewhere."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from html import escape
from typing import Any, NamedTuple

Json = Mapping[str, Any]

STYLE = """\
:root {
  color-scheme: light dark;
  --line: light-dark(#d8d8dc, #3a3a40);
  --quiet: light-dark(#5a5a64, #a6a6b0);
  --shade: light-dark(#f4f4f6, #242428);
  --accent: light-dark(#0b57a4, #8ab8f0);
  font: 16px/1.5 system-ui, sans-serif;
}
body { max-width: 62rem; margin: 0 auto; padding: 1.5rem 1rem 4rem; }
a { color: var(--accent); }
h1 small { color: var(--quiet); font-weight: normal; font-size: 0.5em; }
code, pre { font-family: ui-monospace, monospace; font-size: 0.9em; }
nav { display: flex; flex-wrap: wrap; gap: 0.25rem 1.25rem; padding: 0.75rem 0; border-block: 1px solid var(--line); }
h2 { margin: 2.5rem 0 0.5rem; font-size: 1.3rem; }
h3 { margin: 1.25rem 0 0.25rem; font-size: 0.95rem; color: var(--quiet); }
details { border-top: 1px solid var(--line); }
details:last-of-type { border-bottom: 1px solid var(--line); }
details > div { padding: 0 0 1.25rem 1.5rem; }
summary {
  display: grid; grid-template-columns: 4.5rem minmax(0, 27rem) minmax(0, 1fr); gap: 0 1rem;
  align-items: baseline; padding: 0.45rem 0.5rem; cursor: pointer; list-style: none;
}
summary::-webkit-details-marker { display: none; }
summary:hover, details[open] > summary { background: var(--shade); }
summary:focus-visible { outline: 2px solid var(--accent); }
summary b { font-size: 0.8rem; letter-spacing: 0.03em; color: var(--accent); }
summary code { overflow-wrap: anywhere; font-weight: 600; }
summary span { color: var(--quiet); }
pre { overflow-x: auto; padding: 0.75rem; background: var(--shade); border-radius: 4px; }
table { border-collapse: collapse; width: 100%; }
th, td { vertical-align: top; text-align: left; font-weight: normal; padding: 0.25rem 1rem 0.25rem 0; }
tr + tr > * { border-top: 1px solid var(--line); }
th { width: 16rem; overflow-wrap: anywhere; }
th + td { width: 15rem; color: var(--quiet); }
@media (max-width: 44rem) {
  summary { grid-template-columns: 4.5rem minmax(0, 1fr); }
  summary span { grid-column: 2; }
  details > div { padding-left: 0.5rem; }
  th, td, th + td { display: block; width: auto; padding: 0; border: 0; }
  tr { display: block; padding: 0.4rem 0; }
  tr + tr { border-top: 1px solid var(--line); }
  tr + tr > * { border-top: 0; }
}
"""

_OTHERS = "Others"


class Row(NamedTuple):
    name: str

    facts: str
    """Its type, whether it is needed, its limits and its default."""

    words: str


def page(document: Json) -> str:
    info, chapters = document["info"], _chapters(document)
    title = escape(f"{info['title']} {info['version']}")
    return (
        "<!doctype html>\n"
        f'<html lang="en"><head><meta charset="utf-8"><title>{title}</title>\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<link rel="stylesheet" href="docs/style.css"></head><body>\n'
        f"<h1>{escape(info['title'])} <small>{escape(info['version'])}</small></h1>\n"
        f"<p>{_prose(info['description'])}</p>\n"
        '<p>For programs: <a href="openapi.json">openapi.json</a> (OpenAPI 3.1).</p>\n'
        f"<nav>{''.join(_link(tag) for tag in (*chapters, 'Errors'))}</nav>\n"
        f"{''.join(_section(tag, ''.join(operations)) for tag, operations in chapters.items())}"
        f"{_section('Errors', _errors(document))}</body></html>\n"
    )


def _chapters(document: Json) -> Mapping[str, list[str]]:
    """In the order of the document's tags."""
    chapters: dict[str, list[str]] = {each["name"]: [] for each in document["tags"]}
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            tag = operation.get("tags", [_OTHERS])[0]
            chapters.setdefault(tag, []).append(_operation(document, method.upper(), path, operation))
    return chapters


def _link(tag: str) -> str:
    return f'<a href="#{_anchor(tag)}">{escape(tag)}</a> '


def _section(tag: str, content: str) -> str:
    return f'<section><h2 id="{_anchor(tag)}">{escape(tag)}</h2>\n{content}</section>\n'


def _anchor(tag: str) -> str:
    return "-".join(re.findall(r"\w+", tag.lower()))


def _operation(document: Json, method: str, path: str, operation: Json) -> str:
    parts = ["" if operation["security"] else "<p>Needs no token.</p>"]
    parts.append(_table("In the path and behind the ?", _parameters(document, operation)))
    for kind, body in operation.get("requestBody", {}).get("content", {}).items():
        rows = _fields(document, body["schema"], asked=True)
        parts.append(_table(f"Body: {kind}", rows) or f"<h3>Body: {escape(kind)}</h3>")
        if (example := _example(document, body["schema"])) not in (None, {}):
            parts.append(f"<pre>{escape(json.dumps(example, indent=2, ensure_ascii=False))}</pre>")
    parts += _answers(document, operation)
    return (
        f"<details><summary><b>{method}</b> <code>{escape(path)}</code> <span>{_prose(operation['summary'])}</span>"
        f"</summary><div>{''.join(parts)}</div></details>\n"
    )


def _table(title: str, rows: Iterable[Row]) -> str:
    cells = "".join(
        f'<tr><th scope="row"><code>{escape(row.name)}</code></th><td>{escape(row.facts)}</td>'
        f"<td>{_prose(row.words)}</td></tr>"
        for row in rows
    )
    return f"<h3>{escape(title)}</h3><table>{cells}</table>" if cells else ""


def _parameters(document: Json, operation: Json) -> Iterator[Row]:
    for each in operation.get("parameters", ()):
        facts = _facts(document, each["schema"], needed=each["required"] and each["in"] == "query")
        yield Row(each["name"], facts, each.get("description", ""))


def _fields(
    document: Json, schema: Json, *, asked: bool, place: str = "", above: tuple[Json, ...] = ()
) -> Iterator[Row]:
    """With those of the objects within, but for what is as it is further out. `asked`: whether it is a request's; then
    what is needed comes first."""
    schema = _resolved(document, schema)
    needed, fields = schema.get("required", ()), schema.get("properties", {})
    for name, each in sorted(fields.items(), key=lambda field: asked and field[0] not in needed):
        if any(outer["properties"].get(name) == each for outer in above):
            continue
        facts = _facts(document, each, needed=name in needed) if asked else _kind(document, each)
        yield Row(f"{place}{name}", facts, _description(each))
        for inner, suffix in _objects(document, each):
            if inner not in (*above, schema):
                step = f"{place}{name}{suffix}."
                yield from _fields(document, inner, asked=asked, place=step, above=(*above, schema))


def _objects(document: Json, schema: Json) -> Iterator[tuple[Json, str]]:
    """Those that a field may hold, and what is written behind its name for them."""
    for each in (schema, *schema.get("anyOf", ())):
        listed = each.get("type") == "array"
        resolved = _resolved(document, each.get("items", {}) if listed else each)
        if "properties" in resolved:
            yield resolved, "[]" if listed else ""


def _answers(document: Json, operation: Json) -> Iterator[str]:
    for status, answer in sorted(operation["responses"].items()):
        # What any request may get is told once, at the end of the page.
        if "$ref" in answer:
            continue
        content = answer.get("content", {})
        kinds = f" ({', '.join(content)})" if content else ""
        title = f"Answer {status}: {answer['description']}{kinds}"
        rows = [row for each in content.values() for row in _fields(document, each.get("schema", {}), asked=False)]
        yield _table(title, rows) or f"<h3>{escape(title)}</h3>"


def _errors(document: Json) -> str:
    responses = document["components"]["responses"]
    rows = [Row(name.removeprefix("Error"), "", each["description"]) for name, each in responses.items()]
    (schema,) = {json.dumps(each["content"]["application/json"]["schema"]) for each in responses.values()}
    return _table("Any request may get", rows) + _table(
        "Each of them says", _fields(document, json.loads(schema), asked=False)
    )


def _kind(document: Json, schema: Json) -> str:
    if "$ref" in schema:
        return _kind(document, _resolved(document, schema))
    if choices := schema.get("enum") or ([schema["const"]] if "const" in schema else []):
        return " or ".join(each if isinstance(each, str) else json.dumps(each) for each in choices)
    if either := schema.get("anyOf") or schema.get("oneOf"):
        kinds = [_kind(document, each) for each in either if each.get("type") != "null"]
        return " or ".join(dict.fromkeys(kinds))
    if schema.get("type") == "array":
        return f"list of {_kind(document, schema.get('items', {}))}"
    if schema.get("format") == "binary":
        return "file"
    return str(schema.get("type", "anything"))


def _description(schema: Json) -> str:
    either = (schema, *schema.get("anyOf", ()))
    return next((str(each["description"]) for each in either if "description" in each), "")


def _facts(document: Json, schema: Json, *, needed: bool) -> str:
    default = schema.get("default")
    given = "" if default in (None, "", [], {}) else f", default {json.dumps(default, ensure_ascii=False)}"
    return f"{_kind(document, schema)}{', needed' if needed else ''}{_limits(schema)}{given}"


def _limits(schema: Json) -> str:
    words = {
        "minimum": "at least {}",
        "exclusiveMinimum": "more than {}",
        "maximum": "at most {}",
        "exclusiveMaximum": "less than {}",
        "maxLength": "at most {} characters",
        "minItems": "at least {} of them",
        "maxItems": "at most {} of them",
    }
    either = [schema, *schema.get("anyOf", ())]
    return "".join(f", {text.format(each[key])}" for each in either for key, text in words.items() if key in each)


def _prose(text: str) -> str:
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", escape(text))


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
