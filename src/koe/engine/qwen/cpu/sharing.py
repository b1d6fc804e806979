"""The cores, which the frames and their sound share: both compute with a part of them, and either alone with all."""

from koe.engine.qwen.cpu.cores import shares


class Part:
    """One side's."""

    def __init__(self, own: int, together: int | None = None) -> None:
        """`own`: threads while the other side computes as well; `together`: while that rests, None: as many."""
        self.own, self.all = own, together or own
        self.other: Part | None = None
        self._computes = False

    def take(self) -> int:
        """Threads to compute with now. It counts as computing from here on, also between two runs, until it rests."""
        self._computes = True
        return self.own if self.other is not None and self.other._computes else self.all

    def rest(self) -> None:
        """It computes nothing for a while."""
        self._computes = False


class Cores:
    def __init__(self, together: int) -> None:
        """So many threads for both."""
        for_frames, for_sound = shares(together)
        self.frames = Part(for_frames, together)
        self.sound = Part(for_sound or for_frames, together)
        self.beside = for_sound > 0
        """Whether there are enough for both at once; else one computes after the other."""

        if self.beside:
            self.frames.other, self.sound.other = self.sound, self.frames
