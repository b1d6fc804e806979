"""Files of older layouts, brought up to date one version at a time.

A file without `version` counts as the current layout, unless it has a key that only version 1 knew. Whatever
a step has no place for stays where it is and is refused by name afterwards, so that nothing gets lost unseen.
"""

import os
from collections.abc import Callable
from pathlib import Path

from koe import disk
from koe.core.errors import SettingsError
from koe.settings import yaml_file
from koe.settings.schema import CURRENT_VERSION

Values = dict[str, object]

_HEADER = "# Brought up to date by Koe; the file as it was, with its comments, is beside it.\n"


def version_of(values: Values, where: str) -> int:
    """The layout's version. Raises SettingsError where Koe doesn't know it."""
    version = values.get("version")
    if version is None:
        return 1 if _looks_like_1(values) else CURRENT_VERSION
    if isinstance(version, bool) or not isinstance(version, int) or version < 1:
        raise SettingsError(f"{where}: {version!r} is no version; the current one is {CURRENT_VERSION}")
    if version > CURRENT_VERSION:
        raise SettingsError(
            f"{where} was written for a newer Koe (version: {version}; this one knows {CURRENT_VERSION}): "
            "update Koe, or take back the older file"
        )
    return version


def migrated(values: Values, version: int) -> Values:
    """The same settings in the current layout."""
    for step in _STEPS[version - 1 :]:
        values = step(dict(values))
    return {"version": CURRENT_VERSION} | {key: value for key, value in values.items() if key != "version"}


def as_yaml(values: Values) -> str:
    return _HEADER + yaml_file.as_text(values)


def replace(path: Path, text: str, version: int) -> Path:
    """Write the new text over the file and answer with the old one's backup, which is never overwritten.

    Raises OSError where that can't be done; then the old file is still whole.
    """
    path = path.resolve()
    backup = _back_up(path, version)
    disk.write(path, text.encode())
    return backup


def _back_up(path: Path, version: int) -> Path:
    content = path.read_bytes()
    number = 1
    while True:
        ending = f".{number}" if number > 1 else ""
        backup = path.with_name(f"{path.name}.v{version}.backup{ending}")
        try:
            with backup.open("xb") as file:
                file.write(content)
                os.fsync(file.fileno())
            return backup
        except FileExistsError:
            if backup.read_bytes() == content:
                return backup
            number += 1


def _looks_like_1(values: Values) -> bool:
    return bool({"host", "port", "log_level"} & values.keys()) or isinstance(values.get("voice"), str)


def _from_1(values: Values) -> Values:
    """host, port -> wyoming.listen; voice -> voice.default; log_level -> log.level."""
    if isinstance(voice := values.get("voice"), str):
        values["voice"] = {"default": voice}
    if isinstance(level := values.get("log_level"), str) and "log" not in values:
        del values["log_level"]
        values["log"] = {"level": level.lower()}
    if {"host", "port"} & values.keys() and "wyoming" not in values:
        host, port = str(values.pop("host", "*")), values.pop("port", 10210)
        host = f"[{host}]" if ":" in host else host
        values["wyoming"] = {"listen": [f"tcp://{host}:{port}"]}
    return values


_STEPS: tuple[Callable[[Values], Values], ...] = (_from_1,)
"""The step at index n brings version n + 1 to version n + 2."""
