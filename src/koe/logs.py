"""Log lines for people or for machines. No spoken text above the debug level, ever: a house's log is read by others."""

import json
import logging
import sys
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Literal

current_request: ContextVar[str] = ContextVar("current_request", default="-")
"""The id of the request that a task works for: it stands in every line that the task logs."""


def configure(level: str, form: Literal["human", "json"]) -> None:
    """Log to standard error."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_JsonFormatter() if form == "json" else _HumanFormatter())
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    # zeroconf warns about every odd packet that somebody else on the LAN sends; the model's package tells of each of
    # its defaults.
    logging.getLogger("zeroconf").setLevel(logging.ERROR)
    for talkative in ("qwen_tts", "transformers"):
        logging.getLogger(talkative).setLevel(logging.WARNING)


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
