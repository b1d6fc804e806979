"""Qwen3-TTS on a processor: weights of 32, 8 and 4 bits and the `qwen-tts` package side by side, at the true size.

The weights are random, for speed does not depend on what they say, and the number of frames is fixed. Each row is
measured several times in turn with the others, and the best of each is kept: other programs only ever take time away.
The checkpoint (2.5 GB) and its quantised weights are made once and kept under --folder.
"""

import argparse
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from koe.engine.qwen.cpu.cores import threads, wait_quietly
from tests.bench.bench_qwen import FRAME_SECONDS, Bench
from tests.bench.hardware import hardware

ROOMS = 4
CHUNK, PIECE = 8, 4
ROUNDS = 4
"""Of a chunk for each room."""

PROMPT = 23
"""Positions: a short sentence with a named voice."""


class CpuBench(Bench):
    """The same streams, computed by graphs of a precision, their sound beside the frames to come."""

    def __init__(
        self, folder: Path, size: str, frames: int, precision: Any = "fp32", like: Bench | None = None
    ) -> None:
        self.sound: Any = None
        self.rest: Callable[[], None] = lambda: None
        if like is None:
            super().__init__(folder, size, "cpu", frames, ROOMS)
            return
        from koe.engine.qwen.checkpoints import read
        from koe.engine.qwen.codec import StreamingDecoder
        from koe.engine.qwen.cpu.codec import GraphCodec
        from koe.engine.qwen.cpu.files import graphs
        from koe.engine.qwen.cpu.making import ensure
        from koe.engine.qwen.cpu.sharing import Cores
        from koe.engine.qwen.frames import graph_generator
        from koe.engine.qwen.sounding import SoundThread

        vars(self).update(vars(like))
        checkpoint = read(self.loaded.checkpoint.folder)
        assert checkpoint is not None
        place = graphs(folder, checkpoint, precision)
        ensure(place, print)
        cores = Cores(threads())
        self.rest = cores.frames.rest
        self.generator = graph_generator(self.loaded.model, place.folder, ROOMS, frames + 200, cores.frames)
        if cores.beside:
            self.decoder = StreamingDecoder(GraphCodec(self.loaded.codec.decoder, cores.sound, place.folder))
            self.sound = SoundThread(lambda: None)

    def koe(self) -> tuple[float, float]:
        if self.sound is None:
            return super().koe()
        begin = time.perf_counter()
        row = self.generator.open(self._prompt(), self.sampling, 1)
        state, waiting, chunk, first, answer = self.decoder.open(), [], 1, 0.0, None
        for frame in range(1, self.frames + 1):
            waiting.append(self._advance([row]))
            if len(waiting) >= chunk or frame == self.frames:
                if answer is not None:
                    self._await(answer)
                answer = self.sound.add(self.decoder, state, self.torch.cat(waiting)[None], 0, PIECE)
                if not first:
                    self._await(answer)
                    first = time.perf_counter() - begin
                waiting, chunk = [], min(2 * chunk, CHUNK)
        if answer is not None:
            self._await(answer)
        self.generator.close(row)
        return first, time.perf_counter() - begin

    def _await(self, answer: Any) -> None:
        if not answer.done():
            self.rest()
        answer.result()

    def rooms(self) -> float:
        """Seconds of sound per second of work, of several streams at once that have been under way for a while."""
        if self.sound is None:
            return self.throughput(ROOMS, ROUNDS * CHUNK, CHUNK)
        prompt = self._prompt()
        rows = [self.generator.open(prompt, self.sampling, seed) for seed in range(ROOMS)]
        states = [self.decoder.open() for _ in rows]
        answers: list[Any] = []
        begin = 0.0
        for _ in range(1 + ROUNDS):
            codes = self.torch.stack([self._advance(rows) for _ in range(CHUNK)], dim=1)
            for answer in answers:
                self._await(answer)
            begin = begin or time.perf_counter()
            answers = [
                self.sound.add(self.decoder, state, codes[each : each + 1], 0, PIECE)
                for each, state in enumerate(states)
            ]
        seconds = time.perf_counter() - begin
        for answer in answers:
            self._await(answer)
        for row in rows:
            self.generator.close(row)
        return ROOMS * ROUNDS * CHUNK * FRAME_SECONDS / seconds

    def first_sound(self) -> float:
        """Seconds from the prompt to the first chunk."""
        from koe.engine.qwen.prompt import Prompt

        whole = self._prompt()
        begin = time.perf_counter()
        row = self.generator.open(Prompt(whole.embeds[:PROMPT], whole.trailing), self.sampling, 1)
        codes = self._advance([row])[None]
        self.rest()
        self.decoder.decode([self.decoder.open()], codes)
        seconds = time.perf_counter() - begin
        self.generator.close(row)
        return seconds

    def parts(self) -> dict[str, float]:
        """Seconds of each part of a frame: the best of some."""
        talker, predictor = self.generator.executors
        taken: dict[str, list[float]] = {}

        def timed(part: str, work: Callable[..., Any]) -> Callable[..., Any]:
            def run(*args: Any) -> Any:
                begin = time.perf_counter()
                result = work(*args)
                taken.setdefault(part, []).append(time.perf_counter() - begin)
                return result

            return run

        plain = talker.prefill, talker.step, predictor.predict
        vars(talker).update(prefill=timed("prompt", plain[0]), step=timed("talker", plain[1]))
        vars(predictor).update(predict=timed("code predictor", plain[2]))
        for _ in range(5):
            self.first_sound()
        vars(talker).update(prefill=plain[0], step=plain[1])
        vars(predictor).update(predict=plain[2])
        return {part: min(seconds) for part, seconds in taken.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", choices=["tiny", "0.6B", "1.7B"], default="0.6B")
    parser.add_argument("--frames", type=int, default=50, help="12.5 are a second of sound")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--no-package", action="store_true", help="leave out the comparison, which takes minutes")
    parser.add_argument("--folder", type=Path, default=Path.home() / ".cache" / "koe-bench")
    options = parser.parse_args()
    wait_quietly()
    import torch

    torch.set_num_threads(threads())
    whole = CpuBench(options.folder, options.size, options.frames)
    quantised = {each: CpuBench(options.folder, options.size, options.frames, each, whole) for each in ("int8", "int4")}
    benches = {"Koe, fp32": whole} | {f"Koe, {each}": bench for each, bench in quantised.items()}
    sound = options.frames * FRAME_SECONDS
    runs: dict[str, list[tuple[float, float]]] = {name: [] for name in benches}
    for bench in benches.values():
        bench.koe()
    for _ in range(options.rounds):
        for name, bench in benches.items():
            total = bench.koe()[1]
            runs[name].append((min(bench.first_sound() for _ in range(3)), total))
    package = None if options.no_package else whole.package()
    rooms = {name: max(bench.rooms() for _ in range(2)) for name, bench in benches.items()}
    best = {name: (min(first for first, _ in each), min(total for _, total in each)) for name, each in runs.items()}
    table = Table(
        *("", "work for a second of sound, s", "than the package", "than fp32", "first sound, s"),
        f"{ROOMS} rooms, seconds of sound a second",
        title=f"Qwen3-TTS {options.size} on a processor, {sound:g} s of sound",
    )
    if package is not None:
        table.add_row("the package, fp32", f"{package / sound:.2f}", "1", "", f"{package:.1f}", "")
    for name, (first, total) in best.items():
        table.add_row(
            name,
            f"{total / sound:.2f}",
            f"{package / total:.1f} times as fast" if package else "",
            f"{best['Koe, fp32'][1] / total:.1f} times as fast",
            f"{first:.2f}",
            f"{rooms[name]:.2f} ({rooms[name] * total / sound:.1f} times one)",
        )
    parts = Table(
        "", f"prompt of {PROMPT}", "talker", "code predictor", title="Milliseconds of a frame, which lasts 80"
    )
    for name, bench in benches.items():
        taken = bench.parts()
        parts.add_row(name, *(f"{1000 * taken[part]:.0f}" for part in ("prompt", "talker", "code predictor")))
    console = Console(width=120)
    console.print(table)
    console.print(parts)
    for name, bench in benches.items():
        console.print(f"{name}: codec, in chunks of {CHUNK}, by itself: {1000 * bench.codec(CHUNK)[0]:.0f} ms a frame.")
    console.print(f"{threads()} threads; {hardware()}")


if __name__ == "__main__":
    main()
