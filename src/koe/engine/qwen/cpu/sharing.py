"""The cores, which the frames and their sound share: both compute with a part of them, and either alone with all."""

from koe.engine.qwen.cpu.cores import shares


class Part:
    """One side's."""

    def __init__(self, own: int, together: int | None = None) -> None:
        """`own`: threads while the other side computes as well; `together`: while that rests, None: as many."""
        self.own, self.all = own, together or own
        self.other: Part | None = None
        self._computes = False

    @property
    def threads(self) -> int:
        """To compute with from now on: whoever asks computes, until it rests."""
        self._computes = True
        return self.own if self.other is not None and self.other._computes else self.all

    def rest(self) -> None:
        """It computes nothing for a while."""
        self._computes = False


class Cores:
    def __init__(self, together: int, *, beside: bool) -> None:
        """`beside`: the sound is made beside the frames, where there are threads for it; else afterwards."""
        for_frames, for_sound = shares(together) if beside else (together, 0)
        self.frames = Part(for_frames, together)
        self.sound = Part(for_sound or for_frames, together)
        self.beside = for_sound > 0
        if self.beside:
            self.frames.other, self.sound.other = self.sound, self.frames
