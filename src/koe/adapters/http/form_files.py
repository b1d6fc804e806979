"""Forms whose files go to the disk while they arrive: recordings of hours, and whole projects."""

from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path, PurePath

from aiohttp import BodyPartReader, web
from aiohttp.http_exceptions import HttpProcessingError

from koe import disk
from koe.adapters.http.errors import HttpError
from koe.pipelines.threads import to_its_end

FORM = "multipart/form-data"

_MOST_TEXT = 1024 * 1024
"""Bytes of a part that is no file."""

_AT_ONCE = 1024 * 1024
"""Bytes that are written in one go."""


@dataclass(frozen=True, slots=True)
class SavedFile:
    filename: str
    """As the client has it: for people, never a path."""

    path: Path
    """Where it lies; it belongs to whoever gave the folder."""

    @property
    def title(self) -> str:
        """Without an ending; never empty."""
        return PurePath(self.filename).stem or "clip"


@dataclass(slots=True)
class FileForm:
    texts: dict[str, str] = field(default_factory=dict)
    """What is no file, by the field's name."""

    files: list[SavedFile] = field(default_factory=list)
    """Those of the field `file`, in their order."""


async def read_files(request: web.Request, folder: Path, *, texts: tuple[str, ...], most_files: int) -> FileForm:
    """`texts`: the fields that it may have besides `file`. How large it may be is up to its endpoint (`uploads`).
    Raises HttpError 400, 408, 413, 415; KoeError where the disk fails."""
    if request.content_type != FORM:
        raise HttpError(415, f"send a form ({FORM})", code="unsupported-media-type")
    form = FileForm()
    try:
        reader = await request.multipart()
        while (part := await reader.next()) is not None:
            if not isinstance(part, BodyPartReader) or not part.name:
                raise _broken("each of its parts is a field with a name")
            await _take(part, readable(part.name), form, folder, texts, most_files)
    except (HttpProcessingError, ValueError, AssertionError, LookupError, RuntimeError) as error:
        # aiohttp says so of broken boundaries, headers and encodings.
        raise _broken(str(error)[:200]) from error
    return form


def readable(text: str) -> str:
    """For people: headers may hold bytes that are no text, and letters that nobody sees."""
    sound = text[:200].encode(errors="replace").decode()
    return "".join(letter if letter.isprintable() else "?" for letter in sound)


async def save_body(request: web.Request, folder: Path) -> Path:
    """A body that is one file. Raises HttpError 408, 413; KoeError where the disk fails."""
    target = folder / "upload"
    await _save(request.content.iter_any(), target)
    return target


async def _take(
    part: BodyPartReader, name: str, form: FileForm, folder: Path, texts: tuple[str, ...], most_files: int
) -> None:
    if name == "file":
        if len(form.files) >= most_files:
            raise wrong("file", f"at most {most_files} can be sent at once", code="limit-exceeded")
        saved = SavedFile(readable(part.filename or ""), folder / f"upload-{len(form.files)}")
        await _save(_pieces_of(part), saved.path)
        form.files.append(saved)
        return
    if name not in texts:
        raise wrong(name, "there is no such field")
    if name in form.texts:
        raise wrong(name, "send it once")
    form.texts[name] = await _text(part, name)


async def _pieces_of(part: BodyPartReader) -> AsyncGenerator[bytes]:
    while piece := await part.read_chunk(_AT_ONCE):
        yield piece


async def _save(pieces: AsyncIterator[bytes], target: Path) -> None:
    waiting = bytearray()
    async for piece in pieces:
        waiting += piece
        if len(waiting) >= _AT_ONCE:
            await to_its_end(_append, target, bytes(waiting))
            waiting.clear()
    await to_its_end(_append, target, bytes(waiting))


def _append(target: Path, data: bytes) -> None:
    # Whoever sends it isn't the disk.
    with disk.told(target.parent), target.open("ab") as file:
        file.write(data)


async def _text(part: BodyPartReader, name: str) -> str:
    read = bytearray()
    while piece := await part.read_chunk():
        read += piece
        if len(read) > _MOST_TEXT:
            raise wrong(name, f"more than {_MOST_TEXT} bytes", code="limit-exceeded")
    return read.decode()


def wrong(name: str, words: str, code: str = "malformed-input") -> HttpError:
    return HttpError(400, f"{name}: {words}", code=code, param=name)


def _broken(reason: str) -> HttpError:
    return HttpError(400, f"the form is broken: {reason}", code="malformed-input")
