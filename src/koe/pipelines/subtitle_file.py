"""SRT and WebVTT -> cues, with everything that is doubtful told.

webvtt-py reads both; what it passes over in silence is found by holding its cues against the time lines of the file.
"""

import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import BinaryIO

import webvtt
from webvtt.errors import MalformedCaptionError, MalformedFileError

from koe.core.errors import LimitExceeded, MalformedInput
from koe.core.problem import Problem, shown
from koe.core.subtitles import Cue, clock, cues_of, doubts, in_order, is_said
from koe.pipelines.plan_source import MIB, read_text

_MOST_BYTES = 8 * MIB
_MOST_CUES = 50_000
_MOST_SECONDS = 24 * 3600

_TIME = r"(?:(\d{1,9}):)?(\d{1,2}):(\d{1,2})[.,](\d{1,9})"
_TIMES = re.compile(rf"\s*{_TIME}\s*-->\s*{_TIME}(?!\d)")
_BAD_ARROW = re.compile(rf"\s*({_TIME})\s{{0,5}}(?:[-–—=]\s?){{0,4}}>{{1,3}}\s{{0,5}}({_TIME})\s*")
_FIGURES = re.compile(r"(\d{9})\d+")


@dataclass(frozen=True, slots=True)
class _TimeLine:
    cue: int
    line: int
    """Both from 1."""

    text: str

    @property
    def where(self) -> str:
        return f"cue {self.cue} (line {self.line})"

    @property
    def times(self) -> tuple[float, float] | None:
        """Seconds; None where they can't be read."""
        return _times(self.text)


@dataclass(slots=True)
class Subtitles:
    cues: list[Cue] = field(default_factory=list)
    """In the order of their times."""

    problems: list[Problem] = field(default_factory=list)


def read_subtitles(source: BinaryIO) -> Subtitles:
    """Raises LimitExceeded, NothingToSpeak, MalformedInput where these are no subtitles."""
    read = read_text(source, _MOST_BYTES)
    subtitles = Subtitles(problems=list(read.problems))
    lines = [_mended(line, number, subtitles) for number, line in enumerate(_lines(read.text), start=1)]
    marks = [(number, line) for number, line in enumerate(lines, start=1) if "-->" in line]
    time_lines = [_TimeLine(cue, number, line) for cue, (number, line) in enumerate(marks, start=1)]
    if not time_lines:
        raise MalformedInput("these are no subtitles: no line has times such as 00:00:01,000 --> 00:00:02,500")
    if len(time_lines) > _MOST_CUES:
        raise LimitExceeded(f"the file has {len(time_lines)} cues, and at most {_MOST_CUES} are spoken: split it")
    captions = _captions(lines)
    told = list(_with_times(time_lines, captions, subtitles))
    subtitles.problems += doubts(told)
    subtitles.cues = in_order(told)
    return subtitles


def _captions(lines: Sequence[str]) -> list[webvtt.Caption]:
    first = next(line for line in lines if line.strip()).strip()
    is_vtt = first.startswith("WEBVTT")
    try:
        if is_vtt or not first.isdigit():
            # SRT without numbers is WebVTT without its header.
            body = lines if is_vtt else ["WEBVTT", "", *lines]
            return webvtt.from_string("\n".join(body).lstrip()).captions
        return webvtt.from_buffer(io.StringIO("\n".join(lines).lstrip()), format="srt").captions
    except (MalformedFileError, MalformedCaptionError) as error:
        raise MalformedInput(f"these are no subtitles that can be read: {error}") from error


def _with_times(
    time_lines: Sequence[_TimeLine], captions: Sequence[webvtt.Caption], subtitles: Subtitles
) -> Iterator[Cue]:
    """The cues, each with its number and line; those that the library passed over are problems."""
    waiting = list(reversed(captions))
    for each in time_lines:
        times = each.times
        caption = waiting.pop() if times and waiting and _same(waiting[-1], times) else None
        if times is None or max(times) > _MOST_SECONDS:
            wrong = f"its times can't be read: {shown(each.text.strip())}"
            _tell(subtitles, each, wrong, "write them like 00:00:01,000 --> 00:00:02,500; it is left out")
        elif caption is None:
            _tell(subtitles, each, "it has no text", "it is left out")
        else:
            yield from _spoken(each, times, caption, subtitles)


def _spoken(
    line: _TimeLine, times: tuple[float, float], caption: webvtt.Caption, subtitles: Subtitles
) -> Iterator[Cue]:
    cues = cues_of(line.cue, line.line, *times, "\n".join(caption.lines))
    if not cues:
        _tell(subtitles, line, "it has no text", "it is left out")
    for cue in cues:
        if is_said(cue.text):
            yield cue
        else:
            _tell(subtitles, line, f"{shown(cue.text)} is nothing that anybody says", "it is left out")


def _same(caption: webvtt.Caption, times: tuple[float, float]) -> bool:
    read = caption.start_time.in_milliseconds(), caption.end_time.in_milliseconds()
    return read == (round(1000 * times[0]), round(1000 * times[1]))


def _mended(line: str, number: int, subtitles: Subtitles) -> str:
    """Time lines as the library needs them, also those whose arrow is none."""
    if "-->" in line:
        # In one form: what the library reads is then what is read here. Too many figures are no number to Python.
        times = _times(_FIGURES.sub(r"\1", line))
        return line if times is None else f"{clock(times[0])} --> {clock(times[1])}"
    match = _BAD_ARROW.fullmatch(line) if len(line) < 100 else None
    if match is None:
        return line
    wrong = f"{shown(line.strip())} is no arrow between times"
    subtitles.problems.append(Problem(f"line {number}", wrong, "write it as -->; it is taken for one"))
    return _mended(f"{match[1]} --> {match[6]}", number, subtitles)


def _tell(subtitles: Subtitles, line: _TimeLine, wrong: str, right: str) -> None:
    subtitles.problems.append(Problem(line.where, wrong, right))


def _lines(text: str) -> list[str]:
    return re.split(r"\r\n|[\n\r]", text)


def _times(line: str) -> tuple[float, float] | None:
    match = _TIMES.match(line)
    return None if match is None else (_seconds(match.groups()[:4]), _seconds(match.groups()[4:]))


def _seconds(time: Sequence[str | None]) -> float:
    hours, minutes, whole, fraction = (part or "0" for part in time)
    return int(hours) * 3600 + int(minutes) * 60 + int(whole) + int(fraction[:3].ljust(3, "0")) / 1000
