"""The text of one utterance: fed at one end whenever it arrives, pulled as normalised parts at the other."""

import asyncio
from collections import deque

from koe.core.errors import DeadlineExceeded, LimitExceeded
from koe.core.text.normalise import Normaliser
from koe.core.text.parts import Part

_SLICE = 256
"""Characters normalised at a time; other tasks run in between. Where text is cut never changes the result."""

PAUSE = 0.7
"""Seconds without more text after which a sentence that seems to have ended is spoken: a language model may be waiting
for a tool that it has called."""


class TextSource:
    def __init__(self, normaliser: Normaliser, max_characters: int, timeout: float, pause: float = PAUSE) -> None:
        """`timeout`: seconds to wait for more text. `pause`: seconds after which what may go on is taken to have ended,
        where it ends a sentence."""
        self._normaliser = normaliser
        self._max_characters = max_characters
        self._timeout, self._pause = timeout, min(pause, timeout)
        self._raw: deque[str] = deque()
        self._finished = False
        self._drained = False
        self._fed = asyncio.Event()
        self._parts: deque[Part] = deque()
        self._taken: list[Part] | None = []
        self.characters = 0

    @property
    def open(self) -> bool:
        """Whether more text may come."""
        return not self._finished

    def feed(self, text: str) -> None:
        """Raises LimitExceeded once the whole is longer than allowed."""
        self.characters += len(text)
        if self.characters > self._max_characters:
            raise LimitExceeded(
                f"the text is longer than {self._max_characters} characters (setting speech.max_characters)"
            )
        self._raw.extend(text[i : i + _SLICE] for i in range(0, len(text), _SLICE))
        self._fed.set()

    def finish(self) -> None:
        self._finished = True
        self._fed.set()

    async def next(self) -> Part | None:
        """The next part, or None after the last. Raises DeadlineExceeded, InvalidSsml."""
        while not self._parts:
            if self._drained:
                return None
            await self._normalise_some()
        part = self._parts.popleft()
        if self._taken is not None:
            self._taken.append(part)
        return part

    def put_back(self, part: Part) -> None:
        """Undo the last `next`."""
        self._parts.appendleft(part)
        if self._taken:
            self._taken.pop()

    def keep_no_more(self) -> None:
        """From now on `rewind` is not needed: what was taken has been heard."""
        self._taken = None

    def rewind(self) -> None:
        """Give out again all that was taken; only before `keep_no_more`."""
        self._parts.extendleft(reversed(self._taken or ()))
        self._taken = []

    async def _normalise_some(self) -> None:
        if self._raw:
            self._parts.extend(self._normaliser.feed(self._raw.popleft()))
            if self._raw or not self._parts:
                await asyncio.sleep(0)
        elif self._finished:
            self._parts.extend(self._normaliser.finish())
            self._drained = True
        else:
            await self._wait_for_text()

    async def _wait_for_text(self) -> None:
        self._fed.clear()
        if await self._fed_within(self._pause):
            return
        self._parts.extend(self._normaliser.pause())
        if not self._parts and not await self._fed_within(self._timeout - self._pause):
            raise DeadlineExceeded(
                f"no more text and no end of it came for {self._timeout:g} seconds (setting speech.text_timeout)"
            )

    async def _fed_within(self, seconds: float) -> bool:
        try:
            async with asyncio.timeout(seconds):
                await self._fed.wait()
        except TimeoutError:
            return False
        return True
