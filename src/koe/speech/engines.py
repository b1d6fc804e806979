"""The engines of the house: how each is, and whether it can speak."""

import logging
from collections.abc import Awaitable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from koe.core.errors import EngineUnavailable, UsualProblem
from koe.engine import Engine

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class EngineHealth:
    """How an engine is."""

    ready: bool = False

    reason: str = "not started"
    """Why it is not ready; empty where it is."""

    problem: UsualProblem | None = None
    """The name of that, where it has one."""


@runtime_checkable
class Growing(Protocol):
    """An engine that may have to wait for what it speaks with, and says itself so in the log."""

    @property
    def lacks(self) -> str:
        """Why it can't speak, and what to do; empty where it can."""
        ...

    @property
    def problem(self) -> UsualProblem | None:
        """A name for that, where it has one."""
        ...

    async def refresh(self) -> None:
        """Look again."""
        ...


@runtime_checkable
class Discovering(Protocol):
    """An engine that learns from others which voices it has."""

    @property
    def unseen(self) -> str:
        """Why some may not be known yet; empty where all are."""
        ...


class Engines(Mapping[str, Engine]):
    """By name. They are started in the order given, and stopped in reverse."""

    def __init__(self, engines: Sequence[Engine]) -> None:
        self._by_name = {engine.name: engine for engine in engines}
        self._started = {name: EngineHealth() for name in self._by_name}

    def __getitem__(self, name: str) -> Engine:
        return self._by_name[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._by_name)

    def __len__(self) -> int:
        return len(self._by_name)

    @property
    def health(self) -> Mapping[str, EngineHealth]:
        """How each engine is now."""
        return {name: self._health_of(name) for name in self}

    def absence(self, name: str) -> str:
        """Why an engine can't speak now; empty where it can."""
        if name not in self:
            return f"there is no engine {name} now"
        health = self._health_of(name)
        return "" if health.ready else f"the {name} engine isn't ready: {health.reason}"

    def unseen(self, name: str) -> str:
        """Why some of its voices may not be known yet; empty where all are."""
        engine = self.get(name)
        return engine.unseen if isinstance(engine, Discovering) else ""

    async def start(self) -> None:
        for name, engine in self.items():
            self._started[name] = await _health_after(engine.start(), engine)

    async def refresh(self, name: str) -> None:
        """An engine may have got what it lacked, or lost it."""
        engine = self.get(name)
        if isinstance(engine, Growing):
            self._started[name] = await _health_after(engine.refresh(), engine)

    async def stop(self) -> None:
        for engine in reversed(self._by_name.values()):
            await engine.stop()

    def _health_of(self, name: str) -> EngineHealth:
        started, engine = self._started[name], self[name]
        if not started.ready or not isinstance(engine, Growing):
            return started
        return EngineHealth(not engine.lacks, engine.lacks, engine.problem)


async def _health_after(getting_ready: Awaitable[None], engine: Engine) -> EngineHealth:
    try:
        await getting_ready
    except EngineUnavailable as error:
        _log.warning("the %s engine can't start: %s", engine.name, error.message)
        return EngineHealth(False, error.message, error.problem)
    return EngineHealth(True, "")
