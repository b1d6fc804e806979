"""A file of a run on its way to a client."""

from pathlib import Path
from typing import IO, Any, ClassVar

from aiohttp import web
from aiohttp.abc import AbstractStreamWriter
from aiohttp.web_request import BaseRequest

_TYPES = {
    ".wav": "audio/wav",
    ".flac": "audio/flac",
    ".ogg": "audio/ogg",
    ".mp3": "audio/mpeg",
    ".json": "application/json",
    ".srt": "application/x-subrip",
    ".vtt": "text/vtt",
    ".txt": "text/plain",
    ".csv": "text/csv",
    ".zip": "application/zip",
}
_OTHER = "application/octet-stream"
"""Nothing that a browser would run."""


class RunFile(web.FileResponse):
    """Ranges, conditions and HEAD are aiohttp's."""

    TYPES: ClassVar[tuple[str, ...]] = (*_TYPES.values(), _OTHER)

    def __init__(self, path: Path) -> None:
        kind = _TYPES.get(path.suffix.lower(), _OTHER)
        super().__init__(path, headers={"Content-Type": kind, "Content-Disposition": f'inline; filename="{path.name}"'})

    async def _sendfile(self, request: BaseRequest, fobj: IO[Any], offset: int, count: int) -> AbstractStreamWriter:
        # Not by the system's own sendfile: past the connection, nobody would notice that a client has stopped reading.
        writer = await web.StreamResponse.prepare(self, request)
        if writer is None:
            raise ConnectionResetError("the connection was lost")
        return await self._sendfile_fallback(writer, fobj, offset, count)
