"""A composition on its way to a listener: measured, mixed, encoded and kept, in steps that each take a moment."""

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from koe.audio.arrange import Arranged
from koe.audio.flow import FlowEncoder
from koe.audio.render import Rendering
from koe.core.composition import Composition
from koe.core.errors import MalformedInput, UnknownRun
from koe.core.pcm import to_int16
from koe.pipelines.kept_sound import KeptSound
from koe.storage.meta import Description
from koe.storage.outputs import Outputs

TASK = "compose"
ENGINE = "mix"
"""Of the runs that compositions become: no engine spoke them."""


@dataclass(frozen=True, slots=True)
class Window:
    """A part of a composition, in samples."""

    first: int
    end: int

    draft: bool = False
    """Whether it is heard at once, though it may be louder than in the whole."""

    @property
    def samples(self) -> int:
        return self.end - self.first


def window_of(arranged: Arranged, start: float = 0.0, end: float | None = None, *, draft: bool = False) -> Window:
    """`start`, `end`: in seconds; None: to the end. Raises MalformedInput where nothing is left."""
    rate, length = arranged.mix.sample_rate, arranged.mix.length
    window = Window(round(start * rate), length if end is None else min(length, round(end * rate)), draft)
    if window.samples <= 0:
        raise MalformedInput(f"there is nothing to hear in that part: it is {arranged.seconds:.2f} s long in all")
    return window


def performed(
    rendering: Rendering,
    window: Window,
    encoder: FlowEncoder | None,
    kept: KeptSound | None,
    description: Callable[[], Description],
) -> Iterator[bytes]:
    """Blocks: each step is for a thread. Pieces are empty while the mix is measured, and where nobody listens (no
    `encoder`). Where it is `kept`, the run is there before the last piece; its `description` is asked for then."""
    for samples in (rendering.draft if window.draft else rendering.pieces)(window.first, window.end):
        if len(samples) == 0:
            yield b""
            continue
        pcm = to_int16(samples)
        if kept is not None:
            kept.write(pcm)
        yield encoder.feed(pcm) if encoder else b""
    if kept is not None:
        kept.finish(description())
    yield encoder.finish() if encoder else b""


def described(
    composition: Composition, outputs: Outputs, title: str, *, elapsed: float, seconds: float, sample_rate: int
) -> Description:
    """What is said in a composition is what is said in the runs that it is made of, as far as they are still there."""
    metas = []
    for run_id in dict.fromkeys(clip.run for _, clip in composition.placed() if clip.run is not None):
        with contextlib.suppress(UnknownRun):
            metas.append(outputs.get(run_id).meta)
    return Description(
        title=title,
        text="\n".join(meta.text for meta in metas if meta.text),
        voice=", ".join(dict.fromkeys(meta.voice for meta in metas)),
        engine=ENGINE,
        elapsed=elapsed,
        duration=seconds,
        sample_rate=sample_rate,
    )
