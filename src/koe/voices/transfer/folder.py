"""A folder on this machine, read into memory as an archive would be."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

from koe.core.errors import MalformedInput
from koe.core.zips import check_count, is_clutter
from koe.voices.transfer.contents import AUDIO, TEXTS, Allowance, Contents, suffix
from koe.voices.transfer.limits import MOST_ENTRIES


def read_folder(folder: Path, name: str = "") -> Contents:
    """All files of known kinds in it and in its folders; others are left out and not even opened.

    Raises MalformedInput for links, LimitExceeded where there is more than an import takes.
    """
    allowance = Allowance()
    files, left_out = {}, []
    for count, path in enumerate(_walk(folder), 1):
        check_count(count, MOST_ENTRIES)
        inside = path.relative_to(folder).as_posix()
        if is_clutter(inside):
            continue
        if suffix(inside) in TEXTS | AUDIO:
            files[inside] = _read(path, inside, allowance)
        else:
            left_out.append(inside)
    return Contents(name or folder.resolve().name, files, tuple(left_out))


def _walk(folder: Path) -> Iterator[Path]:
    for each in sorted(os.scandir(folder), key=lambda each: each.name):
        if each.is_dir(follow_symlinks=False):
            yield from _walk(Path(each))
        else:
            yield Path(each)


def _read(path: Path, inside: str, allowance: Allowance) -> bytes:
    details = path.lstat()
    if not stat.S_ISREG(details.st_mode):
        raise MalformedInput(f"{inside!r} is a link or no ordinary file: put the file itself there")
    # Before it is read: what lies on one's own disk may be huge, but its size doesn't lie.
    allowance.take(inside, details.st_size, details.st_size)
    return path.read_bytes()
