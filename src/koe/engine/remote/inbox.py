"""The text of a stream: fed from one side, taken from the other, in pieces or in what is best spoken at once."""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Iterable

from koe.core.text.parts import Part, Speech
from koe.core.text.segment import Segmenter

_MOST_AT_ONCE = 300
"""Characters of a request, where so much text waits."""


class Inbox:
    """Everything is kept: another server may have to begin anew."""

    def __init__(self, language: str | None) -> None:
        """`language`: BCP-47 tag; None: nobody knows it."""
        self._language = language
        self._texts: list[str] = []
        self._finished = False
        self._changed = asyncio.Event()

    def put(self, text: str) -> None:
        self._texts.append(text)
        self._changed.set()

    def finish(self) -> None:
        self._finished = True
        self._changed.set()

    async def pieces(self) -> AsyncGenerator[str]:
        """From the first on, also when asked for a second time; those that wait are joined."""
        taken = 0
        while True:
            text, finished = "".join(self._texts[taken:]), self._finished
            taken = len(self._texts)
            if text:
                yield text
            elif finished:
                return
            else:
                await self._more()

    async def requests(self) -> AsyncGenerator[str]:
        """Whole sentences: the first alone, so that speech starts early, then as many as wait and fit."""
        segmenter, ready, taken, most = Segmenter(), deque[str](), 0, 1
        while True:
            finished = self._finished
            ready += _texts(segmenter.feed(Speech("".join(self._texts[taken:]), self._language)))
            taken = len(self._texts)
            if finished:
                ready += _texts(segmenter.finish())
            if ready:
                yield _joined(ready, most)
                most = _MOST_AT_ONCE
            elif finished:
                return
            else:
                await self._more()

    async def _more(self) -> None:
        self._changed.clear()
        await self._changed.wait()


def _joined(ready: deque[str], most: int) -> str:
    """Take one, and as many more as fit."""
    text = ready.popleft()
    while ready and len(text) + 1 + len(ready[0]) <= most:
        text += " " + ready.popleft()
    return text


def _texts(parts: Iterable[Part]) -> list[str]:
    return [part.text for part in parts if isinstance(part, Speech)]
