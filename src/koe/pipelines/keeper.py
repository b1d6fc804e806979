"""Speech kept as runs while somebody listens to it.

Whoever speaks hands over every piece and goes on: one thread encodes and writes them all. Where it can't keep up or the
disk fails, that speech isn't kept, and the log says so. Nor is what was cancelled or has failed: a run is whole.
"""

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from queue import SimpleQueue

from koe.audio.files import AudioFormat
from koe.core.errors import KoeError
from koe.pipelines.kept_sound import KeptSound
from koe.pipelines.speak import TASK, SpeechInput, description_of
from koe.speech import SpeechRequest, SpeechStats
from koe.storage.outputs import Outputs
from koe.storage.run import Run

_log = logging.getLogger(__name__)

MOST_BYTES = 32 * 1024 * 1024
"""Of sound that waits for the disk, of all speech together: some ten minutes."""

_AT_ONCE = 512 * 1024
"""Of sound that is handed over together, some ten seconds: an announcement is written when it has been spoken, and the
thread takes no time from a room that waits for its first sound."""


@dataclass(frozen=True, slots=True)
class _End:
    text: str
    stats: SpeechStats


_Piece = tuple[bytes, int] | _End | None
"""PCM and its rate in Hz; the end; None: it came to none."""


class Keeper:
    """`hear` every utterance that is to be kept; `close` writes what has ended."""

    def __init__(
        self,
        outputs: Outputs,
        *,
        on_kept: Callable[[Run], object] = lambda run: None,
        most_bytes: int = MOST_BYTES,
    ) -> None:
        """`on_kept` is called in the thread."""
        self._outputs, self._on_kept, self._most = outputs, on_kept, most_bytes
        self._waiting: SimpleQueue[tuple[_Recording, _Piece] | None] = SimpleQueue()
        self._lock = threading.Lock()
        self._bytes = 0
        self._thread: threading.Thread | None = None

    def hear(self, request: SpeechRequest) -> "_Recording":
        return _Recording(self, request)

    def close(self) -> None:
        """Blocks until what has come is written. Nothing may come afterwards."""
        if self._thread is not None:
            self._waiting.put(None)
            self._thread.join()

    def has_room(self, size: int) -> bool:
        """So many bytes more are held, until they are written; False where that would be too much."""
        with self._lock:
            if self._bytes + size > self._most:
                return False
            self._bytes += size
            return True

    def give_back(self, size: int) -> None:
        """So many bytes are held no more."""
        with self._lock:
            self._bytes -= size

    def put(self, recording: "_Recording", piece: _Piece) -> None:
        """Never waits."""
        with self._lock:
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="keeper", daemon=True)
                self._thread.start()
        self._waiting.put((recording, piece))

    def _work(self) -> None:
        open_ones: set[_Recording] = set()
        while (taken := self._waiting.get()) is not None:
            recording, piece = taken
            open_ones.add(recording)
            try:
                self._write(recording, piece)
            except (KoeError, OSError) as error:
                recording.lose(error.message if isinstance(error, KoeError) else str(error))
            except Exception:
                # This thread is the only one that does it.
                _log.exception("unexpected failure in keeping what was said")
                recording.lose("a fault in Koe")
            if not isinstance(piece, tuple):
                recording.discard()
                open_ones.remove(recording)
            else:
                self.give_back(len(piece[0]))
        for recording in open_ones:
            recording.discard()

    def _write(self, recording: "_Recording", piece: _Piece) -> None:
        if recording.lost or piece is None:
            return
        if isinstance(piece, _End):
            self._on_kept(recording.finish(piece))
        else:
            recording.write(*piece, self._outputs)


class _Recording:
    """One utterance. Its speaker calls `text`, `sound` and one of `ended` and `dropped`; the thread the others."""

    def __init__(self, keeper: Keeper, request: SpeechRequest) -> None:
        self._keeper, self._request = keeper, request
        self._texts: list[str] = []
        self._held = bytearray()
        self._over = False
        self.lost = False
        self._kept: KeptSound | None = None
        self._rate = 0

    def text(self, text: str) -> None:
        self._texts.append(text)

    def sound(self, pcm: bytes, sample_rate: int) -> None:
        if self.lost:
            return
        if not self._keeper.has_room(len(pcm)):
            self.lose("the disk is too slow for it")
            return
        self._held += pcm
        self._rate = sample_rate
        if len(self._held) >= _AT_ONCE:
            self._hand_over()

    def ended(self, stats: SpeechStats) -> None:
        self._over = True
        self._hand_over()
        self._keeper.put(self, _End("".join(self._texts), replace(stats)))

    def dropped(self) -> None:
        """Harmless after `ended`."""
        if not self._over:
            self._over = True
            self._keeper.give_back(len(self._held))
            self._held.clear()
            self._keeper.put(self, None)

    def _hand_over(self) -> None:
        if self._held:
            self._keeper.put(self, (bytes(self._held), self._rate))
            self._held.clear()

    def lose(self, reason: str) -> None:
        self.lost = True
        _log.warning("what was said by %s isn't kept: %s", self._request.voice or "the house's voice", reason)

    def write(self, pcm: bytes, sample_rate: int, outputs: Outputs) -> None:
        if self._kept is None:
            # The text may still be coming.
            self._kept = KeptSound(outputs, TASK, {}, AudioFormat.FLAC, sample_rate)
        self._kept.write(pcm)

    def finish(self, end: _End) -> Run:
        if self._kept is None:
            raise AssertionError("speech that has ended has a sound")
        wanted = SpeechInput.of(self._request, end.text, "flac")
        return self._kept.finish(description_of(wanted, end.stats, self._rate), wanted.model_dump(mode="json"))

    def discard(self) -> None:
        """What isn't finished by now."""
        if self._kept is not None:
            self._kept.discard()
            self._kept = None
