"""As much of the Hugging Face hub as huggingface_hub needs for a download, on loopback, with failures on demand."""

import hashlib
import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

COMMIT = "0123456789abcdef0123456789abcdef01234567"
_LARGE = ".safetensors"


@dataclass
class FakeHub:
    """Every repository has one commit, which is also its branch `main` and its tag `v1`."""

    uri: str = ""

    repositories: dict[str, Path] = field(default_factory=dict)

    requests: list[tuple[str, str, str | None]] = field(default_factory=list)
    """Method, path and range of each."""

    cuts: dict[str, list[int]] = field(default_factory=dict)
    """By path in the repository: after how many bytes the next requests for it break off."""

    lies: dict[str, bytes] = field(default_factory=dict)
    """By path in the repository: what is sent in place of the content."""

    closed: bool = False
    """Nobody without rights gets anything."""

    def fetched(self, name: str) -> list[str | None]:
        """The ranges in which files were asked for whose path ends so; None: from the start."""
        return [asked for method, path, asked in self.requests if method == "GET" and path.endswith(name)]


@contextmanager
def fake_hub(**repositories: Path) -> Iterator[FakeHub]:
    """Running to the end of the block; `owner__name=folder`."""
    hub = FakeHub(repositories={name.replace("__", "/"): folder for name, folder in repositories.items()})
    handler = type("Handler", (_Handler,), {"hub": hub})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    hub.uri = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield hub
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    hub: FakeHub
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        path = self._noted()
        if self.hub.closed:
            self._refuse(401, "GatedRepo")
        elif path.startswith("/api/models/"):
            self._answer_info(path.removeprefix("/api/models/"))
        else:
            self._answer_file(path, body=True)

    def do_HEAD(self) -> None:
        self._answer_file(self._noted(), body=False)

    def log_message(self, *_: object) -> None:
        pass

    def _noted(self) -> str:
        path = unquote(urlsplit(self.path).path)
        self.hub.requests.append((self.command, path, self.headers.get("Range")))
        return path

    def _answer_info(self, path: str) -> None:
        repo, _, revision = path.partition("/revision/")
        folder = self.hub.repositories.get(repo)
        if folder is None:
            self._refuse(404, "RepoNotFound")
        elif revision not in ("main", "v1", COMMIT):
            self._refuse(404, "RevisionNotFound")
        else:
            files = sorted(file for file in folder.rglob("*") if file.is_file())
            siblings = [_sibling(file, file.relative_to(folder).as_posix()) for file in files]
            self._send(200, json.dumps({"id": repo, "sha": COMMIT, "siblings": siblings}).encode())

    def _answer_file(self, path: str, *, body: bool) -> None:
        match = re.fullmatch(r"/([^/]+/[^/]+)/resolve/[^/]+/(.+)", path)
        folder = self.hub.repositories.get(match[1]) if match else None
        if match is None or folder is None or not (file := folder / match[2]).is_file():
            self._refuse(404, "EntryNotFound")
            return
        content = self.hub.lies.get(match[2], file.read_bytes())
        headers = {"X-Repo-Commit": COMMIT, "ETag": f'"{_etag(file)}"', "Accept-Ranges": "bytes"}
        if file.suffix == _LARGE:
            headers |= {"X-Xet-Hash": _etag(file), "X-Xet-Refresh-Route": f"{self.hub.uri}/xet-is-not-spoken-here"}
        start = int((self.headers.get("Range") or "bytes=0-").removeprefix("bytes=").partition("-")[0])
        if start:
            headers["Content-Range"] = f"bytes {start}-{len(content) - 1}/{len(content)}"
        cuts = self.hub.cuts.get(match[2]) if body else None
        cut = cuts.pop(0) if cuts else None
        self._send(206 if start else 200, content[start:], headers, body=body, cut=cut)

    def _refuse(self, status: int, code: str) -> None:
        self._send(status, b"{}", {"X-Error-Code": code, "X-Error-Message": code})

    def _send(
        self,
        status: int,
        content: bytes,
        headers: dict[str, str] | None = None,
        *,
        body: bool = True,
        cut: int | None = None,
    ) -> None:
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if body and self.command != "HEAD":
            self.wfile.write(content[:cut])
        if cut is not None:
            self.close_connection = True


def _sibling(file: Path, name: str) -> dict[str, Any]:
    size = file.stat().st_size
    known: dict[str, Any] = {"rfilename": name, "size": size, "blobId": _git_sha1(file)}
    if file.suffix == _LARGE:
        known["lfs"] = {"sha256": _etag(file), "size": size, "pointerSize": 134}
    return known


def _etag(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest() if file.suffix == _LARGE else _git_sha1(file)


def _git_sha1(file: Path) -> str:
    content = file.read_bytes()
    return hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()
