"""Streamed decoding: where the pieces are cut, and who shares a call, never changes the sound."""

import copy
import importlib
import tempfile
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from koe.engine.qwen.package import import_qwen_tts

torch = pytest.importorskip("torch")
codec = pytest.importorskip("koe.engine.qwen.codec")

from koe.engine.qwen.codec_modules import TorchCodec  # noqa: E402
from koe.engine.qwen.cpu.build import build_codec  # noqa: E402
from koe.engine.qwen.cpu.codec import FoundWeights, GraphCodec  # noqa: E402
from koe.engine.qwen.cpu.sharing import Part  # noqa: E402


def packed(decoder: Any, folder: Path) -> GraphCodec:
    with tempfile.TemporaryDirectory() as place:
        build_codec(decoder, Path(place))
        return GraphCodec(decoder, Part(1, 2), Path(place))


EXECUTORS: dict[str, Callable[[Any, Path], Any]] = {
    "torch": lambda decoder, folder: TorchCodec(decoder),
    "graph": lambda decoder, folder: GraphCodec(decoder, Part(1)),
    "mapped graph": lambda decoder, folder: GraphCodec(decoder, Part(1), FoundWeights(decoder, folder)),
    "packed graph": packed,
}

FRAMES = 90
"""More than the window of 72: the first frames are out of sight of the last."""

few = settings(max_examples=5, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture(scope="module")
def whole_decoder(tiny_base: Path) -> Any:
    """The package's Qwen3TTSTokenizerV2Decoder."""
    import_qwen_tts()
    package = importlib.import_module("qwen_tts.core")
    return package.Qwen3TTSTokenizerV2Model.from_pretrained(tiny_base / "speech_tokenizer").decoder.eval()


@pytest.fixture(scope="module", params=EXECUTORS)
def decoder(whole_decoder: Any, tiny_base: Path, request: pytest.FixtureRequest) -> Any:
    return codec.StreamingDecoder(EXECUTORS[request.param](whole_decoder, tiny_base / "speech_tokenizer"))


@pytest.fixture(scope="module")
def torch_decoder(whole_decoder: Any) -> Any:
    return codec.StreamingDecoder(TorchCodec(whole_decoder))


@pytest.fixture(scope="module")
def codes(whole_decoder: Any) -> Any:
    return random_codes(3, FRAMES)


@pytest.fixture(scope="module")
def sound(whole_decoder: Any, codes: Any) -> Any:
    """[3, samples]: what the package makes of each row."""
    return decode_whole(whole_decoder, codes)


def random_codes(rows: int, frames: int) -> Any:
    return torch.randint(0, 2048, (rows, frames, 16), generator=torch.Generator().manual_seed(frames))


def decode_whole(whole_decoder: Any, codes: Any) -> Any:
    with torch.inference_mode():
        return whole_decoder(codes.transpose(1, 2)).squeeze(1)


def decode_pieces(decoder: Any, codes: Any, cuts: list[int]) -> Any:
    states = [decoder.open() for _ in codes]
    edges = [0, *cuts, codes.shape[1]]
    return torch.cat([decoder.decode(states, codes[:, a:b]) for a, b in pairwise(edges)], dim=1)


def assert_same_sound(heard: Any, expected: Any) -> None:
    assert heard.dtype == torch.float32
    assert heard.shape == expected.shape
    assert (heard - expected).abs().max() < 2e-5
    assert (int16(heard) - int16(expected)).abs().max() <= 1


def int16(sound: Any) -> Any:
    return (sound * 32767).round().int()


def multiples(step: int, frames: int = FRAMES) -> list[int]:
    return list(range(step, frames, step))


def test_the_sound_is_not_trivial(sound: Any) -> None:
    assert sound.std() > 0.05
    assert sound.abs().max() < 1


@pytest.mark.parametrize("step", [1, 2, 4, 8, 25, FRAMES])
def test_pieces_of_any_size_give_the_whole(decoder: Any, codes: Any, sound: Any, step: int) -> None:
    assert_same_sound(decode_pieces(decoder, codes[:1], multiples(step)), sound[:1])


def test_growing_pieces_give_the_whole(decoder: Any, codes: Any, sound: Any) -> None:
    assert_same_sound(decode_pieces(decoder, codes[:1], [1, 3, 7, 15, 27, 39, 63]), sound[:1])


@few
@given(cuts=st.lists(st.integers(1, FRAMES - 1), unique=True, max_size=8).map(sorted))
def test_pieces_cut_anywhere_give_the_whole(decoder: Any, codes: Any, sound: Any, cuts: list[int]) -> None:
    assert_same_sound(decode_pieces(decoder, codes[:1], cuts), sound[:1])


def test_a_stream_stays_exact_where_the_package_starts_anew(decoder: Any, whole_decoder: Any) -> None:
    """Its chunked_decode does so after 300 frames."""
    codes = random_codes(1, 320)
    assert_same_sound(decode_pieces(decoder, codes, [7, 32, 129, 290, 301]), decode_whole(whole_decoder, codes))


@few
@given(starts=st.lists(st.integers(0, 66), min_size=3, max_size=3), step=st.sampled_from([1, 3, 12]))
def test_streams_at_different_frames_share_a_call(
    decoder: Any, codes: Any, sound: Any, starts: list[int], step: int
) -> None:
    states = [decoder.open() for _ in codes]
    for state, row, start in zip(states, codes, starts, strict=True):
        if start:
            decoder.decode([state], row[None, :start])

    for done in (0, step):
        together = torch.stack([row[s + done : s + done + step] for row, s in zip(codes, starts, strict=True)])
        expected = [row[(s + done) * 1920 :][: step * 1920] for row, s in zip(sound, starts, strict=True)]
        assert_same_sound(decoder.decode(states, together), torch.stack(expected))
    assert [state.frames for state in states] == [start + 2 * step for start in starts]


def test_a_stream_leaves_and_another_joins(decoder: Any, codes: Any, sound: Any) -> None:
    first, second, third = (decoder.open() for _ in range(3))
    decoder.decode([first, second], codes[:2, :5])
    heard = decoder.decode([third, second], torch.stack([codes[2, :5], codes[1, 5:10]]))
    assert_same_sound(heard, torch.stack([sound[2, : 5 * 1920], sound[1, 5 * 1920 : 10 * 1920]]))
    assert_same_sound(decoder.decode([first], codes[:1, 5:9]), sound[:1, 5 * 1920 : 9 * 1920])


@pytest.mark.parametrize("skipped", [[2], [40], [70], [3, 66], [66, 3]])
def test_skipped_frames_are_remembered(decoder: Any, codes: Any, sound: Any, skipped: list[int]) -> None:
    state, at = decoder.open(), 0
    for frames in skipped:
        decoder.skip([state], codes[:1, at : at + frames])
        at += frames
    assert state.frames == at
    assert_same_sound(decoder.decode([state], codes[:1, at : at + 20]), sound[:1, at * 1920 : (at + 20) * 1920])


def test_a_copy_goes_its_own_way(decoder: Any, codes: Any, sound: Any) -> None:
    state = decoder.open()
    decoder.decode([state], codes[:1, :80])
    other = state.copy()
    decoder.decode([other], codes[1:2, :9])
    assert (other.frames, state.frames) == (89, 80)
    assert_same_sound(decoder.decode([state], codes[:1, 80:90]), sound[:1, 80 * 1920 : 90 * 1920])


def test_states_share_no_memory(decoder: Any, codes: Any) -> None:
    states = [decoder.open() for _ in range(3)]
    decoder.decode(states, codes[:, :3])
    storages = {state.memory.untyped_storage().data_ptr() for state in states}
    assert len(storages) == 3
    assert all(state.memory.untyped_storage().nbytes() == state.memory.nbytes for state in states)


def test_a_state_never_grows(decoder: Any, codes: Any) -> None:
    state = decoder.open()
    size = state.memory.nbytes
    decoder.decode([state], codes[:1])
    assert state.memory.nbytes == size < 100_000


@pytest.mark.parametrize("chunk", [1, 12])
def test_the_work_does_not_grow_with_the_position(decoder: Any, codes: Any, chunk: int) -> None:
    state = decoder.open()
    works = []
    for frames in (0, 30, 400):
        while state.frames < frames:
            decoder.skip([state], codes[:1, :10])
        works.append(work(decoder, state, codes[:1, :chunk]))
    assert works[0] == works[1] == works[2]


def test_a_piece_of_four_is_far_cheaper_than_a_window(decoder: Any, whole_decoder: Any, codes: Any) -> None:
    from torch.utils.flop_counter import FlopCounterMode

    with FlopCounterMode(display=False) as own:
        decoder.decode([decoder.open()], codes[:1, :4])
    with FlopCounterMode(display=False) as windowed, torch.inference_mode():
        whole_decoder(codes[:1, : 25 + 4].transpose(1, 2))
    assert 5 * own.get_total_flops() < windowed.get_total_flops()


def work(decoder: Any, state: Any, codes: Any) -> list[str]:
    """Every operation of a call, with the shapes that it works on."""
    from torch.utils._python_dispatch import TorchDispatchMode

    operations = []

    class Recorder(TorchDispatchMode):  # type: ignore[no-untyped-call]
        def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            shapes = [tuple(arg.shape) for arg in args if isinstance(arg, torch.Tensor)]
            operations.append(f"{func} {shapes}")
            return func(*args, **(kwargs or {}))

    with Recorder():  # type: ignore[no-untyped-call]
        decoder.decode([state], codes)
    assert operations
    return operations


def test_a_call_that_fails_half_way_changes_no_stream(decoder: Any, codes: Any, sound: Any) -> None:
    states = [decoder.open(), decoder.open()]
    decoder.decode(states, codes[:2, :75])
    broken = codes[:2, 75:78].clone()
    broken[1, 2, 9] = 2048

    with pytest.raises((IndexError, RuntimeError)):
        decoder.decode(states, broken)

    assert [state.frames for state in states] == [75, 75]
    assert_same_sound(decoder.decode(states, codes[:2, 75:80]), sound[:2, 75 * 1920 : 80 * 1920])


def test_a_failure_at_the_last_layer_changes_no_stream(
    torch_decoder: Any, whole_decoder: Any, codes: Any, sound: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = torch_decoder.open()
    torch_decoder.decode([state], codes[:1, :75])
    last = whole_decoder.decoder[-1].conv.weight
    with monkeypatch.context() as patch:
        patch.setattr(last, "data", torch.zeros(1, 1, 7))
        with pytest.raises(RuntimeError):
            torch_decoder.decode([state], codes[:1, 75:78])
    assert_same_sound(torch_decoder.decode([state], codes[:1, 75:80]), sound[:1, 75 * 1920 : 80 * 1920])


def test_what_fits_no_stream_is_refused(decoder: Any, codes: Any) -> None:
    state = decoder.open()
    for wrong in (codes[:2, :1], codes[:1, :0], codes[:1, :1, :15]):
        with pytest.raises(ValueError, match="1 streams of 16 codebooks"):
            decoder.decode([state], wrong)
    with pytest.raises(ValueError, match="twice"):
        decoder.decode([state, state], codes[:2, :1])
    assert state.frames == 0


def test_weights_are_the_package_s_own(torch_decoder: Any, whole_decoder: Any, codes: Any, sound: Any) -> None:
    """No copy is kept: a weight that changes is heard at once."""
    bias = whole_decoder.decoder[-1].conv.bias
    with torch.no_grad():
        bias.add_(0.01)
        try:
            louder = torch_decoder.decode([torch_decoder.open()], codes[:1, :4])
        finally:
            bias.sub_(0.01)
    assert torch.allclose(louder, sound[:1, : 4 * 1920] + 0.01, atol=1e-5)


def test_weights_are_found_where_a_download_linked_them(
    whole_decoder: Any, tiny_base: Path, tmp_path: Path, codes: Any, sound: Any
) -> None:
    (tmp_path / "model.safetensors").symlink_to(tiny_base / "speech_tokenizer" / "model.safetensors")
    weights = FoundWeights(whole_decoder, tmp_path)
    assert weights.place(whole_decoder.decoder[0].conv.weight.numpy(force=True)) is not None
    mapped = codec.StreamingDecoder(GraphCodec(whole_decoder, Part(1), weights))
    assert_same_sound(mapped.decode([mapped.open()], codes[:1, :4]), sound[:1, : 4 * 1920])


def test_other_precisions_only_round(whole_decoder: Any, codes: Any, sound: Any) -> None:
    rough = codec.StreamingDecoder(TorchCodec(copy.deepcopy(whole_decoder).to(torch.bfloat16)))
    heard = decode_pieces(rough, codes[:1, :20], [1, 5])
    assert heard.dtype == torch.float32
    assert (heard - sound[:1, : 20 * 1920]).abs().mean() < 0.02
