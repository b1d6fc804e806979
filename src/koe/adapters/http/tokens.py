"""The token that everybody but this machine itself has to show: made once, kept in a file that only its owner reads."""

import contextlib
import hmac
import logging
import os
import re
import secrets
import stat
from pathlib import Path

from koe.core.errors import SettingsError
from koe.settings.schema.http import HttpSettings

_log = logging.getLogger(__name__)

_BYTES = 32
_RIGHT = re.compile(r"[!-~]{16,512}")
_OTHERS = stat.S_IRWXG | stat.S_IRWXO


def token_path(settings: HttpSettings, data_dir: Path) -> Path:
    """Where the token is kept. A relative one lies in the data folder."""
    return data_dir / Path(settings.token_file or Path("config", "token")).expanduser()


def load_or_make_token(path: Path) -> tuple[str, bool]:
    """The token, and whether it was made just now: then somebody should be shown it. Raises SettingsError."""
    try:
        if path.exists():
            return _load(path), False
        path.parent.mkdir(parents=True, exist_ok=True)
        made = _make(path)
        return _load(path), made
    except OSError as error:
        raise SettingsError(
            f"the token can't be kept in {path}: {error.strerror or error}. Choose another place with the setting "
            "http.token_file"
        ) from error


def same_token(given: str, token: str | None) -> bool:
    """In a time that tells nothing of how near it was."""
    return token is not None and hmac.compare_digest(given.encode(errors="surrogatepass"), token.encode())


def _make(path: Path) -> bool:
    """Whole and for its owner alone from its first moment on; another process may have been faster."""
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    written = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(written, "w", encoding="ascii") as file:
            file.write(secrets.token_urlsafe(_BYTES) + "\n")
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(draft, path)
        except FileExistsError:
            return False
        return True
    finally:
        draft.unlink()


def _load(path: Path) -> str:
    if not path.is_file():
        raise SettingsError(f"{path} is no file: the token is kept there (setting http.token_file)")
    _close_to_others(path)
    try:
        token = path.read_text(encoding="ascii").strip()
    except UnicodeDecodeError:
        token = ""
    if not _RIGHT.fullmatch(token):
        raise SettingsError(
            f"{path} holds no token: one line of 16 to 512 letters, digits and signs. Remove the file, and a new token "
            "is made at the next start"
        )
    return token


def _close_to_others(path: Path) -> None:
    if os.name != "posix" or not path.stat().st_mode & _OTHERS:
        return
    with contextlib.suppress(PermissionError):
        path.chmod(0o600)
    if path.stat().st_mode & _OTHERS:
        raise SettingsError(
            f"others can read the token in {path}: run `chmod 600 {path}`, or choose another place with the setting "
            "http.token_file"
        )
    _log.warning(
        "others could read the token in %s; now only its owner can. If somebody may have read it, remove the file: a "
        "new token is made at the next start",
        path,
    )
