"""Forms with files (multipart/form-data), which lie more often than any other body."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from aiohttp import BodyPartReader, web
from aiohttp.http_exceptions import HttpProcessingError

from koe.adapters.http.errors import HttpError

_MOST_PARTS = 64
_MOST_TEXT = 64 * 1024
"""Bytes of a part that is no file."""

_AS_IT_IS = ("", "identity", "binary", "8bit", "7bit")


@dataclass(frozen=True, slots=True)
class Upload:
    name: str
    """Of the form's field."""

    filename: str
    """As the client has it: for people, never a path."""

    content: bytes


@dataclass(slots=True)
class Form:
    texts: dict[str, list[str]] = field(default_factory=dict)
    """What is no file, by the field's name."""

    files: list[Upload] = field(default_factory=list)
    """In their order."""

    def named(self, name: str) -> Iterator[Upload]:
        return (file for file in self.files if file.name == name)

    def plain(self) -> dict[str, str | list[str]]:
        """The texts for a pydantic model: a field that came once is one text."""
        return {name: texts[0] if len(texts) == 1 else texts for name, texts in self.texts.items()}


async def read_form(request: web.Request) -> Form:
    """The whole form; how large it may be is up to its endpoint (`uploads`). Raises HttpError 400, 408, 413, 415."""
    if request.content_type != "multipart/form-data":
        raise HttpError(415, "send a form (multipart/form-data)", code="unsupported-media-type")
    form = Form()
    try:
        reader = await request.multipart()
        for _ in range(_MOST_PARTS + 1):
            part = await reader.next()
            if part is None:
                return form
            if not isinstance(part, BodyPartReader):
                raise _broken("a part of it is a form of its own")
            await _take(part, form)
    except (HttpProcessingError, ValueError, AssertionError, LookupError, RuntimeError) as error:
        # aiohttp says so of broken boundaries, headers and encodings.
        raise _broken(str(error)[:200]) from error
    raise HttpError(400, f"the form has more than {_MOST_PARTS} parts", code="limit-exceeded")


async def _take(part: BodyPartReader, form: Form) -> None:
    if not part.name:
        raise _broken("a part of it has no name")
    encodings = {part.headers.get("Content-Encoding", ""), part.headers.get("Content-Transfer-Encoding", "")}
    if any(each.lower() not in _AS_IT_IS for each in encodings):
        raise _broken("send its parts as they are, neither compressed nor encoded")
    if part.filename is not None:
        form.files.append(Upload(part.name, part.filename, bytes(await part.read())))
        return
    text = await _text(part)
    form.texts.setdefault(part.name, []).append(text)


async def _text(part: BodyPartReader) -> str:
    read = bytearray()
    while piece := await part.read_chunk():
        read += piece
        if len(read) > _MOST_TEXT:
            raise HttpError(
                400, f"more than {_MOST_TEXT} bytes of text", code="limit-exceeded", param=(part.name or "")[:100]
            )
    return read.decode()


def _broken(reason: str) -> HttpError:
    return HttpError(400, f"the form is broken: {reason}", code="malformed-input")
