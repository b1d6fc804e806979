"""What is wrong in a file that somebody wrote, told so that they can mend it."""

from dataclasses import dataclass

MOST_SHOWN = 60
"""Characters of somebody's text in a message."""


@dataclass(frozen=True, slots=True)
class Problem:
    where: str
    """`line 12`, `row 3`, `cue 7 (line 31)`; empty: the file as a whole."""

    wrong: str
    right: str
    """What to do, or what is done about it."""

    stops: bool = False
    """Nothing can be made before it is mended; otherwise what stands there is left out or mended by itself."""

    def __str__(self) -> str:
        return f"{self.where}: {self.wrong}; {self.right}" if self.where else f"{self.wrong}; {self.right}"


def shown(text: str) -> str:
    """Quoted, on one line and of a bearable length: texts come from files of any kind."""
    return repr(text if len(text) <= MOST_SHOWN else text[:MOST_SHOWN] + "…")
