"""Subtitles: what is said, when, and what can't be right about it."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from html import unescape

from koe.core.problem import Problem

_TAG = re.compile(r"</?[a-zA-Z][^<>]*>|</?>|<\d[\d:.]*>|\{\\[^{}]*\}")
"""HTML and WebVTT (`<i>`, `<c.loud>`, `<00:01.500>`), and what SubStation leaves behind (`{\\an8}`)."""

_VOICE = re.compile(r"<v(?:\.[^\s<>]*)?\s+(?P<name>[^<>]+)>|(?P<end></v>)", re.IGNORECASE)
_NOT_SAID = re.compile(r"\[[^\[\]]*\]|\([^()]*\)|\*[^*]*\*|#[^#]*#|[♪♫].*")


@dataclass(frozen=True, slots=True)
class Cue:
    number: int
    """From 1, in the order of the file."""

    line: int
    """Of the file, in which its times stand."""

    start: float
    end: float
    """Seconds."""

    text: str
    """What is said, on one line and without tags."""

    speaker: str = ""

    @property
    def where(self) -> str:
        return f"cue {self.number} (line {self.line})"


def cues_of(number: int, line: int, start: float, end: float, raw: str) -> list[Cue]:
    """One cue for each voice in the text of one, which share its time by their length; none where nobody speaks."""
    said = list(_voices(raw))
    characters = sum(len(text) for _, text in said)
    cues, at = [], start
    for speaker, text in said:
        until = at + (end - start) * len(text) / characters
        cues.append(Cue(number, line, round(at, 3), round(until, 3), text, speaker))
        at = until
    return cues


def is_said(text: str) -> bool:
    """Whether anybody says it: `[door slams]` and `♪` tell what is heard."""
    return any(map(str.isalnum, text)) and not _NOT_SAID.fullmatch(text)


def doubts(cues: Sequence[Cue]) -> Iterator[Problem]:
    """What can't be right about the times, cue by cue."""
    latest: Cue | None = None
    for cue in cues:
        if cue.end <= cue.start:
            yield Problem(
                cue.where,
                f"it ends at {clock(cue.end)}, not after its start at {clock(cue.start)}",
                "correct its times: it is spoken from its start, for as long as that takes",
            )
        # The voices of one cue are no two cues.
        if latest is not None and cue.number != latest.number:
            yield from _against(latest, cue)
        if latest is None or cue.end >= latest.end:
            latest = cue


def clock(seconds: float) -> str:
    """`0:01:05.250`."""
    milliseconds = round(seconds * 1000)
    minutes, rest = divmod(milliseconds, 60_000)
    return f"{minutes // 60}:{minutes % 60:02}:{rest // 1000:02}.{rest % 1000:03}"


def in_order(cues: Iterable[Cue]) -> list[Cue]:
    return sorted(cues, key=lambda cue: (cue.start, cue.number))


def _against(latest: Cue, cue: Cue) -> Iterator[Problem]:
    if cue.start < latest.start:
        yield Problem(
            cue.where,
            f"it starts at {clock(cue.start)}, earlier than cue {latest.number} above it ({clock(latest.start)})",
            "put the cues in the order of their times: they are spoken in that order",
        )
    elif cue.start < latest.end:
        yield Problem(
            cue.where,
            f"it starts at {clock(cue.start)}, while cue {latest.number} goes on until {clock(latest.end)}",
            "let one end before the other starts, unless two people are to speak at once",
        )


def _voices(raw: str) -> Iterator[tuple[str, str]]:
    """Speaker and text, of each stretch that has one voice."""
    speaker, start = "", 0
    for match in _VOICE.finditer(raw):
        if text := plain(raw[start : match.start()]):
            yield speaker, text
        speaker, start = " ".join(unescape(match["name"] or "").split()), match.end()
    if text := plain(raw[start:]):
        yield speaker, text


def plain(raw: str) -> str:
    """Without tags and line ends."""
    return " ".join(unescape(_TAG.sub("", raw)).replace("\\N", " ").replace("\\h", " ").split())
