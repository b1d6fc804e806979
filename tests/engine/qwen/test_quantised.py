"""Weights in 8 and 4 bits: what they lose, and that no wrong ones are ever used."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from koe.core.errors import Busy, EngineUnavailable, ShuttingDown
from koe.engine.qwen.checkpoints import Checkpoint, read
from koe.engine.qwen.cpu import files
from koe.engine.qwen.cpu.blocks import quantise
from koe.engine.qwen.cpu.cores import threads
from koe.engine.qwen.cpu.files import Graphs, expected_bytes, graphs, remove_graphs
from koe.engine.qwen.cpu.precision import Quantised, chosen_precision
from koe.settings import QwenSettings

torch = pytest.importorskip("torch")

from koe.engine.qwen.cpu.fidelity import FRAMES, Agreement, Fidelity, measure  # noqa: E402
from koe.engine.qwen.cpu.making import ensure  # noqa: E402
from koe.engine.qwen.device import Device  # noqa: E402

PRECISIONS: tuple[Quantised, ...] = ("int8", "int4")
CPU, GPU = Device("cpu", torch.float32, ""), Device("cuda:0", torch.bfloat16, "")


@pytest.fixture
def checkpoint(tmp_path: Path, tiny_custom_voice: Path) -> Checkpoint:
    """A copy of its own."""
    found = read(Path(shutil.copytree(tiny_custom_voice, tmp_path / "models" / "tiny")))
    assert found is not None
    return found


@pytest.fixture
def place(tmp_path: Path, checkpoint: Checkpoint) -> Graphs:
    """Of its quantised weights, which are there."""
    there = graphs(tmp_path, checkpoint, "int8")
    assert ensure(there, silent)
    return there


def silent(step: str) -> None:
    pass


@pytest.mark.parametrize(("bits", "loss"), [(8, 0.008), (4, 0.11)])
@pytest.mark.parametrize("columns", [32, 48, 128, 1024])
def test_blocks_give_the_weights_back_to_their_bits(bits: int, loss: float, columns: int) -> None:
    weight = np.random.default_rng(0).standard_normal((40, columns), dtype=np.float32)
    weight[3] = 0
    back = weights_of(quantise(weight, bits))
    assert back.shape == weight.shape
    assert np.linalg.norm(back - weight) < loss * np.linalg.norm(weight)
    assert not back[3].any()


def weights_of(blocks: Any) -> Any:
    """As the kernels read them."""
    numbers = blocks.numbers
    if blocks.bits == 4:
        numbers = np.stack((numbers & 15, numbers >> 4), axis=-1).reshape(*numbers.shape[:2], blocks.size)
    values = (numbers.astype(np.float32) - 2 ** (blocks.bits - 1)) * blocks.scales[..., None]
    return values.reshape(len(numbers), -1)[:, : blocks.columns]


@pytest.mark.parametrize("kind", ["tiny_custom_voice", "tiny_voice_design", "tiny_base"])
def test_quantised_weights_score_as_the_true_ones_nearly(
    kind: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    checkpoint = read(request.getfixturevalue(kind))
    assert checkpoint is not None
    found = {}
    for precision in PRECISIONS:
        place = graphs(tmp_path, checkpoint, precision)
        ensure(place, silent)
        found[precision] = measure(place)
    assert found["int8"].talker.cosine > 0.999
    assert found["int8"].predictor.cosine > 0.999
    assert found["int4"].talker.cosine > 0.98
    # Noise of this size has few clear winners, and often the same two: at the true size 98 % agree.
    assert min(each.talker.top1 for each in found.values()) >= 0.85
    assert f"Over {FRAMES} frames" in found["int8"].told


def test_what_is_lost_is_told_in_words() -> None:
    good, fair, poor = Agreement(0.9995, 0.98), Agreement(0.985, 0.9), Agreement(0.9, 0.5)
    words = [
        (Fidelity(good, good, 1), "as good as"),
        (Fidelity(good, poor, 1), "not in the detail"),
        (Fidelity(fair, good, 1), "close to"),
        (Fidelity(poor, good, 1), "some way from"),
    ]
    assert [told for fidelity, told in words if told not in fidelity.told] == []


def test_they_are_made_once(place: Graphs) -> None:
    told: list[str] = []
    assert place.problem() is None
    assert not ensure(place, told.append)
    assert told == []
    assert ensure(place, told.append, anew=True)
    assert told == [
        "quantising tiny to int8: the talker",
        "quantising tiny to int8: the code predictor",
        "packing the codec of tiny",
    ]


def test_as_many_bytes_as_expected_are_written(place: Graphs, checkpoint: Checkpoint) -> None:
    written = sum(file.stat().st_size for file in place.folder.glob("*.bin"))
    # Each weight begins at a page, which matters only for a tiny checkpoint.
    assert expected_bytes(checkpoint, "int8") / 2 < written < expected_bytes(checkpoint, "int8") + 4096 * 800


def change_note(place: Graphs, **values: object) -> None:
    note = place.folder / "koe.json"
    note.write_text(json.dumps(json.loads(note.read_text()) | values))


def change_byte(place: Graphs) -> None:
    file = place.folder / "talker.bin"
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    file.write_bytes(data)


def cut_short(place: Graphs) -> None:
    file = place.folder / "code_predictor.bin"
    file.write_bytes(file.read_bytes()[:-1])


def replace_checkpoint(place: Graphs) -> None:
    weights = place.checkpoint.folder / "model.safetensors"
    data = bytearray(weights.read_bytes())
    data[-1] ^= 1
    weights.write_bytes(data)


WRONGS: dict[str, tuple[Callable[[Graphs], object], str]] = {
    "another version": (lambda place: change_note(place, version=0), "another version"),
    "another precision": (lambda place: change_note(place, precision="int4"), "another version"),
    "another checkpoint": (lambda place: change_note(place, weights="0"), "other weights"),
    "a changed checkpoint": (replace_checkpoint, "other weights"),
    "no note": (lambda place: (place.folder / "koe.json").unlink(), "none yet"),
    "a note that is none": (lambda place: (place.folder / "koe.json").write_text("{"), "damaged"),
    "a file that leads elsewhere": (
        lambda place: change_note(place, files={"../talker.bin": {"size": 1, "sha256": ""}}),
        "talker.bin has",
    ),
    "a missing file": (lambda place: (place.folder / "talker.onnx").unlink(), "talker.onnx is missing"),
    "a cut file": (cut_short, "bytes instead of"),
    "a changed byte": (change_byte, "talker.bin is damaged"),
}


@pytest.mark.parametrize("wrong", WRONGS)
def test_what_is_wrong_is_noticed_and_mended(place: Graphs, wrong: str) -> None:
    change, reason = WRONGS[wrong]
    change(place)
    assert reason in str(place.problem())
    assert ensure(place, silent)
    assert place.problem() is None


def test_who_is_interrupted_leaves_nothing_behind(tmp_path: Path, checkpoint: Checkpoint) -> None:
    def stop(step: str) -> None:
        raise ShuttingDown("the server is stopping")

    there = graphs(tmp_path, checkpoint, "int4")
    with pytest.raises(ShuttingDown):
        ensure(there, stop)
    assert [each for each in there.folder.parent.iterdir() if each.suffix != ".lock"] == []
    assert ensure(there, silent)


def test_two_do_not_make_the_same(place: Graphs) -> None:
    with place.replacing(), pytest.raises(Busy, match="another program"):
        ensure(place, silent, anew=True)


def test_a_full_disk_is_told_beforehand(
    tmp_path: Path, checkpoint: Checkpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "_SPARE", 2**60)
    with pytest.raises(EngineUnavailable, match=r"not enough room .* GB, .* are free"):
        ensure(graphs(tmp_path, checkpoint, "int8"), silent)


def test_they_go_with_their_checkpoint(tmp_path: Path, place: Graphs) -> None:
    remove_graphs(tmp_path, "tiny")
    assert not place.folder.exists()


def test_a_cpu_computes_with_int8_where_nothing_else_is_asked_for() -> None:
    assert chosen_precision(QwenSettings(), CPU) == "int8"
    assert chosen_precision(QwenSettings(dtype="float32"), CPU) == "fp32"
    assert chosen_precision(QwenSettings(precision="int4", dtype="float32"), CPU) == "int4"
    assert chosen_precision(QwenSettings(), GPU) == "fp32"
    with pytest.raises(EngineUnavailable, match=r"engine\.qwen\.precision is int4, which only CPUs"):
        chosen_precision(QwenSettings(precision="int4"), GPU)


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., int]:
    """How many threads a machine gets whose CPUs are given as (core, capacity)."""

    def count(cpus: list[tuple[int, int | None]], quota: str = "max 100000") -> int:
        for number, (core, capacity) in enumerate(cpus):
            folder = tmp_path / f"cpu{number}"
            (folder / "topology").mkdir(parents=True, exist_ok=True)
            (folder / "topology" / "core_id").write_text(f"{core}\n")
            (folder / "topology" / "physical_package_id").write_text("0\n")
            if capacity is not None:
                (folder / "cpu_capacity").write_text(f"{capacity}\n")
        (tmp_path / "cpu.max").write_text(f"{quota}\n")
        monkeypatch.setattr("koe.engine.qwen.cpu.cores._allowed", lambda: set(range(len(cpus))))
        return threads(tmp_path, tmp_path)

    return count


def test_hyper_threads_are_no_cores(machine: Callable[..., int]) -> None:
    assert machine([(0, None), (1, None), (0, None), (1, None)]) == 2


def test_efficiency_cores_are_left_to_others(machine: Callable[..., int]) -> None:
    assert machine([(core, 1024 if core < 4 else 400) for core in range(8)]) == 4


@pytest.mark.parametrize(("quota", "expected"), [("max 100000", 4), ("200000 100000", 2), ("50000 100000", 1)])
def test_a_container_has_the_cores_that_its_limit_leaves(
    machine: Callable[..., int], quota: str, expected: int
) -> None:
    assert machine([(core, None) for core in range(4)], quota) == expected


def test_more_threads_than_help_are_not_taken(machine: Callable[..., int]) -> None:
    assert machine([(core, None) for core in range(64)]) == 8


def test_this_machine_has_at_least_one() -> None:
    assert threads() >= 1
