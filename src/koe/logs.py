"""Log lines for people or for machines. No spoken text above the debug level, ever: a house's log is read by others."""

import json
import logging
import re
import sys
from collections import deque
from collections.abc import Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

current_request: ContextVar[str] = ContextVar("current_request", default="-")
"""The id of the request that a task works for: it stands in every line that the task logs."""

_MOST_LINES = 500
_MOST_CHARACTERS = 2000
_SECRETS = re.compile(r"(?i)(\bbearer\s+|\btoken[=: ]+|\bhf_)[\w.~+/-]{8,}")


def configure(level: str, form: Literal["human", "json"]) -> "LogTail":
    """Log to standard error; the last lines are kept as well."""
    handler, tail = logging.StreamHandler(sys.stderr), LogTail()
    handler.setFormatter(_JsonFormatter() if form == "json" else _HumanFormatter())
    logging.basicConfig(level=level.upper(), handlers=[handler, tail], force=True)
    # zeroconf warns about every odd packet that somebody else on the LAN sends; the model's package tells of each of
    # its defaults.
    logging.getLogger("zeroconf").setLevel(logging.ERROR)
    for talkative in ("qwen_tts", "transformers"):
        logging.getLogger(talkative).setLevel(logging.WARNING)
    return tail


@dataclass(frozen=True, slots=True)
class LogLine:
    at: datetime
    level: str
    """`info`, `warning` or `error`."""

    request: str
    """Empty: of none."""

    message: str


class LogTail(logging.Handler):
    """The last lines, for people who don't look into the log itself: none below info, for only there texts may stand;
    and what looks like a token is struck out, for they may be shown to many."""

    def __init__(self) -> None:
        super().__init__(logging.INFO)
        self._lines: deque[LogLine] = deque(maxlen=_MOST_LINES)

    def emit(self, record: logging.LogRecord) -> None:
        try:
            message = record.getMessage()
            if record.exc_info and record.exc_info[1] is not None:
                message = f"{message}: {type(record.exc_info[1]).__name__}: {record.exc_info[1]}"
        except Exception:
            self.handleError(record)
            return
        level = "error" if record.levelno >= logging.ERROR else "warning" if record.levelno > logging.INFO else "info"
        request, at = current_request.get(), datetime.fromtimestamp(record.created, UTC)
        shown = _SECRETS.sub(r"\1…", message[:_MOST_CHARACTERS])
        self._lines.append(LogLine(at, level, "" if request == "-" else request, shown))

    def lines(self) -> Sequence[LogLine]:
        """The oldest first."""
        self.acquire()
        try:
            return list(self._lines)
        finally:
            self.release()


class _HumanFormatter(logging.Formatter):
    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)-7s %(request)s%(message)s", datefmt="%Y-%m-%d %H:%M:%S")

    def format(self, record: logging.LogRecord) -> str:
        request = current_request.get()
        record.request = "" if request == "-" else f"[{request}] "
        return super().format(record)


class _JsonFormatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "request": current_request.get(),
            "message": record.getMessage(),
            **getattr(record, "fields", {}),
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False)
