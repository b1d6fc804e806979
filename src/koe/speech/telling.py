"""How the speaking of a request goes, in the same words for every adapter: in the log, and for whoever counts."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import AbstractContextManager, aclosing, asynccontextmanager, nullcontext
from dataclasses import asdict
from typing import Protocol

from koe.core.errors import KoeError
from koe.speech.request import SpeechStats
from koe.speech.utterance import Utterance

_log = logging.getLogger(__name__)

SPOKEN, CANCELLED = "spoken", "cancelled"


class Watch(Protocol):
    """Whoever counts what the adapters do; `adapter` is wyoming, http, websocket and so on."""

    def waiting(self, adapter: str) -> AbstractContextManager[None]:
        """Around a request's wait for its turn."""
        ...

    def speaking(self, adapter: str) -> AbstractContextManager[None]:
        """Around its speaking."""
        ...

    def observe(self, stats: SpeechStats, adapter: str, outcome: str) -> None:
        """It has ended. `outcome`: SPOKEN, CANCELLED or an error's code."""
        ...


class Unwatched:
    """Where nobody counts."""

    def waiting(self, adapter: str) -> AbstractContextManager[None]:
        return nullcontext()

    def speaking(self, adapter: str) -> AbstractContextManager[None]:
        return nullcontext()

    def observe(self, stats: SpeechStats, adapter: str, outcome: str) -> None:
        pass


@asynccontextmanager
async def telling(utterance: Utterance, watch: Watch, adapter: str) -> AsyncIterator[None]:
    """Around the speaking of one request; the utterance is closed at the end. A client that has left (ConnectionError)
    has cancelled it."""
    stats, outcome = utterance.stats, CANCELLED
    try:
        async with aclosing(utterance):
            with watch.speaking(adapter):
                yield
        outcome = SPOKEN
        _log.info("spoken: %s", stats, extra=_fields(stats, adapter, outcome))
    except (asyncio.CancelledError, ConnectionError):
        _log.info("cancelled after %.1f s of speech", stats.audio_seconds, extra=_fields(stats, adapter, outcome))
        raise
    except Exception as error:
        outcome = error.code if isinstance(error, KoeError) else KoeError.code
        _log.warning("failed: %s: %s", outcome, error, extra=_fields(stats, adapter, outcome))
        raise
    finally:
        watch.observe(stats, adapter, outcome)


def _fields(stats: SpeechStats, adapter: str, outcome: str) -> dict[str, object]:
    return {"fields": {**asdict(stats), "adapter": adapter, "outcome": outcome}}
