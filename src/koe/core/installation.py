"""How this Koe was installed, and commands as they are to be given here: in a clone nothing is on the PATH, and no
package index has this koe."""

import functools
from pathlib import Path


def clone() -> Path | None:
    """The root of the clone that this is run from."""
    root = Path(__file__).resolve().parents[3]
    is_clone = (root / "pyproject.toml").is_file() and (root / "src" / "koe").is_dir()
    return root if is_clone else None


def command(words: str) -> str:
    """`models list` -> `koe models list`, as the user of this installation gives it."""
    return f"{_programs()}koe {words}"


def install(extra: str) -> str:
    """The command that adds an extra of Koe."""
    package = f".[{extra}]" if clone() else f"koe[{extra}]"
    return f"{_programs()}pip install {'-e ' if clone() else ''}'{package}'"


@functools.cache
def _programs() -> str:
    """Of a clone, relative to its root, where the README has users stand."""
    root = clone()
    return ".venv/bin/" if root and (root / ".venv" / "bin" / "koe").exists() else ""
