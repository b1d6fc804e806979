"""Where the data folder and the settings file are."""

from collections.abc import Mapping
from pathlib import Path

from koe.core.errors import SettingsError
from koe.core.installation import clone
from koe.settings.names import CONFIG, DATA_DIR


def data_dir(given: Path | None, environ: Mapping[str, str]) -> Path:
    """The given folder, else KOE_DATA_DIR, else the clone that this is run from, else the user's data folder.

    It need not exist yet.
    """
    chosen = given or _from_variable(DATA_DIR, environ) or clone() or _user_data_dir()
    folder = chosen.expanduser().absolute()
    if folder.exists() and not folder.is_dir():
        raise SettingsError(f"the data folder {folder} is a file; name a folder")
    return folder


def config_file(given: Path | None, folder: Path, environ: Mapping[str, str]) -> Path:
    """The given file, else KOE_CONFIG, else config/koe.yaml in the data folder.

    Only a file that nobody named may be missing.
    """
    named = given or _from_variable(CONFIG, environ)
    if not named:
        return folder / "config" / "koe.yaml"
    file = named.expanduser().absolute()
    if not file.exists():
        raise SettingsError(f"there is no settings file {file}")
    return file


def _from_variable(name: str, environ: Mapping[str, str]) -> Path | None:
    value = environ.get(name, "").strip()
    return Path(value) if value else None


def _user_data_dir() -> Path:
    from platformdirs import user_data_path

    return user_data_path("koe", appauthor=False)
