"""Koe's streaming Qwen3-TTS against the `qwen-tts` package's own generate and decode, at the true size.

The weights are random, for speed does not depend on what they say; such a model never stops by itself, so the number of
frames is fixed. Runs unchanged on a GPU (--device cuda). The checkpoint is made once and kept under --folder.
"""

import argparse
import resource
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from tests.bench.hardware import hardware

TEXT = "The washing machine is finished, and it is raining: please close the window in the kitchen."
FRAME_SECONDS = 0.08
WINDOW = 25


class Bench:
    def __init__(self, folder: Path, size: Any, device: Any, frames: int, slots: int) -> None:
        import torch

        from koe.engine.qwen.codec import StreamingDecoder
        from koe.engine.qwen.codec_modules import TorchCodec
        from koe.engine.qwen.cpu.codec import GraphCodec
        from koe.engine.qwen.cpu.cores import threads
        from koe.engine.qwen.cpu.sharing import Part
        from koe.engine.qwen.device import choose_device
        from koe.engine.qwen.frames import frame_generator
        from koe.engine.qwen.loading import load
        from koe.engine.qwen.prompt import Named, PromptBuilder
        from koe.engine.qwen.sampling import Sampling

        self.torch, self.frames = torch, frames
        self.device = choose_device(device)
        self.loaded = load(_checkpoint(folder, size), self.device)
        self.generator = frame_generator(self.loaded.model, slots, frames + 200)
        decoder = self.loaded.codec.decoder
        on_cpu = self.device.kind == "cpu"
        self.decoder = StreamingDecoder(GraphCodec(decoder, Part(threads())) if on_cpu else TorchCodec(decoder))
        self.prompts = PromptBuilder(self.loaded.model, self.loaded.processor.tokenizer)
        self.voice, self.sampling = Named("vivian"), Sampling()

    def seconds(self, work: Callable[[], object]) -> float:
        begin = time.perf_counter()
        work()
        if self.device.kind == "cuda":
            self.torch.cuda.synchronize()
        return time.perf_counter() - begin

    def package(self) -> float:
        """Seconds until the package has any sound at all, which is all of it."""
        package = __import__("qwen_tts").Qwen3TTSModel(self.loaded.model, self.loaded.processor, {})
        speak = package.generate_custom_voice
        spoken: list[Any] = []

        def work() -> None:
            waves, _ = speak(TEXT, speaker="vivian", language="english", max_new_tokens=self.frames + 1)
            spoken.extend(waves)

        seconds = self.seconds(work)
        if len(spoken[0]) != self.frames * 1920:
            raise SystemExit(f"the package stopped after {len(spoken[0]) / 1920:g} frames: its time can't be compared")
        return seconds

    def _prompt(self) -> Any:
        return self.prompts.whole(self.voice, self.prompts.text_ids(TEXT), "english")

    def koe(self) -> tuple[float, float]:
        """Seconds to the first sound, and to the last."""
        begin = time.perf_counter()
        prompt = self._prompt()
        row = self.generator.open(prompt, self.sampling, 1)
        state, waiting, chunk, first = self.decoder.open(), [], 1, 0.0
        for frame in range(1, self.frames + 1):
            waiting.append(self._advance([row]))
            if len(waiting) >= chunk or frame == self.frames:
                self.decoder.decode([state], self.torch.cat(waiting)[None]).cpu()
                first = first or time.perf_counter() - begin
                waiting, chunk = [], min(2 * chunk, 8)
        self.generator.close(row)
        return first, time.perf_counter() - begin

    def throughput(self, rows: int, frames: int, chunk: int = 4) -> float:
        """Seconds of sound per second of work, of so many streams together."""
        prompt = self._prompt()
        streams = [self.generator.open(prompt, self.sampling, seed) for seed in range(rows)]
        states = [self.decoder.open() for _ in streams]

        def work() -> None:
            for _ in range(frames // chunk):
                codes = self.torch.stack([self._advance(streams) for _ in range(chunk)], dim=1)
                for first in range(0, rows, self.decoder.together):
                    some = slice(first, first + self.decoder.together)
                    self.decoder.decode(states[some], codes[some]).cpu()

        work_seconds = self.seconds(work)
        for stream in streams:
            self.generator.close(stream)
        return rows * frames * FRAME_SECONDS / work_seconds

    def codec(self, frames: int = 4) -> tuple[float, float]:
        """Seconds per frame: carrying the state, and decoding anew with 25 frames before each chunk."""
        codes = self.torch.randint(0, 2048, (1, WINDOW + frames, 16), device=self.device.name)
        state = self.decoder.open()
        streamed = [self.seconds(lambda: self.decoder.decode([state], codes[:, :frames]).cpu()) for _ in range(8)]
        decode = self.torch.inference_mode()(self.loaded.codec.decoder)
        windowed = [self.seconds(lambda: decode(codes.transpose(1, 2)).cpu()) for _ in range(4)]
        return statistics.median(streamed) / frames, statistics.median(windowed) / frames

    def _advance(self, rows: list[Any]) -> Any:
        codes = self.generator.advance(rows, [None] * len(rows))
        for row in rows:
            row.finished = False  # random weights may say so at any frame
        return codes


def _checkpoint(folder: Path, size: Any) -> Path:
    from tests.support.checkpoints import make_checkpoint

    made = folder / f"random-{size}-custom_voice"
    if not (made / "whole").exists():
        make_checkpoint(made, size=size, kind="custom_voice", dtype="bfloat16", eos_scale=0.0)
        (made / "whole").touch()
    return made


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", choices=["tiny", "0.6B", "1.7B"], default="0.6B")
    parser.add_argument("--device", choices=["auto", "cuda", "mps", "cpu"], default="auto")
    parser.add_argument("--frames", type=int, default=125, help="12.5 are a second of sound")
    parser.add_argument("--batch", type=int, nargs="*", default=[1, 2, 4, 8])
    parser.add_argument(
        "--no-package", action="store_true", help="leave out the comparison, which takes minutes on a CPU"
    )
    parser.add_argument("--folder", type=Path, default=Path.home() / ".cache" / "koe-bench")
    options = parser.parse_args()
    bench = Bench(options.folder, options.size, options.device, options.frames, max(options.batch))
    bench.throughput(1, 8)
    sound = options.frames * FRAME_SECONDS
    first, total = bench.koe()
    table = Table("", "Koe", "the package", "ratio", title=f"Qwen3-TTS {options.size}, {sound:g} s of sound")
    if not options.no_package:
        package = bench.package()
        table.add_row("first sound, s", f"{first:.2f}", f"{package:.1f}", f"{package / first:.0f} times earlier")
        factors = total / sound, package / sound
        table.add_row("work for a second of sound, s", *(f"{f:.2f}" for f in factors), f"{factors[1] / factors[0]:.1f}")
    else:
        table.add_row("first sound, s", f"{first:.2f}", "", "")
        table.add_row("work for a second of sound, s", f"{total / sound:.2f}", "", "")
    streamed, windowed = bench.codec()
    figures = f"{1000 * streamed:.0f}", f"{1000 * windowed:.0f}", f"{windowed / streamed:.1f}"
    table.add_row("codec in chunks of 4, ms a frame (25-frame window)", *figures)
    alone = 0.0
    for rows in options.batch:
        speed = bench.throughput(rows, 24)
        alone = alone or speed
        table.add_row(f"{rows} at once, seconds of sound a second", f"{speed:.2f}", "", f"{speed / alone:.1f}")
    console = Console(width=110)
    console.print(table)
    console.print(f"{bench.device.reason}; {hardware()}")
    console.print(f"Memory at its peak: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20:.1f} GiB.")


if __name__ == "__main__":
    main()
