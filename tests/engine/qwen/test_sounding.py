"""Sound that is made beside the frames: what goes first, and what comes of it."""

import importlib
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from koe.engine.qwen.package import import_qwen_tts

torch = pytest.importorskip("torch")

from koe.engine.qwen.codec import StreamingDecoder  # noqa: E402
from koe.engine.qwen.cpu.codec import GraphCodec  # noqa: E402
from koe.engine.qwen.cpu.sharing import Part  # noqa: E402
from koe.engine.qwen.sounding import SOUND_THREAD, SoundThread  # noqa: E402

PATIENCE = 20.0
ROOM, BATCH = (False,), (True,)


class Gated(StreamingDecoder):
    """A decoder that begins when it may, and notes how many frames it was given at once."""

    def __init__(self, codec: GraphCodec) -> None:
        super().__init__(codec)
        self.may_begin, self.has_begun, self.pieces = threading.Event(), threading.Event(), list[int]()

    def decode(self, states: Any, codes: Any) -> Any:
        self.has_begun.set()
        assert self.may_begin.wait(PATIENCE)
        self.pieces.append(codes.shape[1])
        return super().decode(states, codes)


@pytest.fixture(scope="module")
def codec(tiny_base: Path) -> GraphCodec:
    import_qwen_tts()
    package = importlib.import_module("qwen_tts.core")
    whole = package.Qwen3TTSTokenizerV2Model.from_pretrained(tiny_base / "speech_tokenizer").decoder.eval()
    return GraphCodec(whole, Part(1))


@pytest.fixture
def decoder(codec: GraphCodec) -> Gated:
    return Gated(codec)


@pytest.fixture
def sound() -> Iterator[SoundThread]:
    it = SoundThread(lambda: None)
    yield it
    it.close()
    assert SOUND_THREAD not in {thread.name for thread in threading.enumerate()}


def some_codes(frames: int) -> Any:
    return torch.randint(0, 2048, (1, frames, 16), generator=torch.Generator().manual_seed(frames))


def test_pieces_sound_as_the_whole(sound: SoundThread, decoder: Gated) -> None:
    codes, state = some_codes(11), decoder.open()
    decoder.may_begin.set()
    waves = []
    for begin, end, most in ((0, 3, 8), (3, 11, 3)):
        waves.append(sound.add(decoder, state, codes[:, begin:end], ROOM, most).result(PATIENCE))
    assert decoder.pieces == [3, 3, 3, 2]
    whole = decoder.decode([decoder.open()], codes)[0]
    torch.testing.assert_close(torch.cat(waves), whole, rtol=0, atol=1e-5)


def test_a_rooms_sound_goes_between_a_batchs(sound: SoundThread, decoder: Gated) -> None:
    ended: list[str] = []
    batch = sound.add(decoder, decoder.open(), some_codes(8), BATCH, 4)
    batch.add_done_callback(lambda _: ended.append("batch"))
    assert decoder.has_begun.wait(PATIENCE)
    room = sound.add(decoder, decoder.open(), some_codes(5), ROOM, 5)
    room.add_done_callback(lambda _: ended.append("room"))
    decoder.may_begin.set()
    assert len(batch.result(PATIENCE)) == 8 * 1920
    assert len(room.result(PATIENCE)) == 5 * 1920
    assert decoder.pieces == [4, 5, 4]
    assert ended == ["room", "batch"]


def test_what_nobody_waits_for_any_more_is_not_made(sound: SoundThread, decoder: Gated) -> None:
    first = sound.add(decoder, decoder.open(), some_codes(1), ROOM, 1)
    assert decoder.has_begun.wait(PATIENCE)
    left, last = (sound.add(decoder, decoder.open(), some_codes(frames), ROOM, frames) for frames in (2, 3))
    assert left.cancel()
    assert not first.cancel()
    decoder.may_begin.set()
    last.result(PATIENCE)
    assert decoder.pieces == [1, 3]


def test_what_fails_fails_alone(sound: SoundThread, decoder: Gated) -> None:
    decoder.may_begin.set()
    bad = sound.add(decoder, decoder.open(), some_codes(2)[..., :3], ROOM, 2)
    good = sound.add(decoder, decoder.open(), some_codes(2), ROOM, 2)
    with pytest.raises(ValueError, match="codebooks"):
        bad.result(PATIENCE)
    assert len(good.result(PATIENCE)) == 2 * 1920


def test_it_tells_of_each_sound_until_it_is_closed(decoder: Gated) -> None:
    told = threading.Event()
    sound = SoundThread(told.set)
    decoder.may_begin.set()
    sound.add(decoder, decoder.open(), some_codes(1), ROOM, 1)
    assert told.wait(PATIENCE)
    sound.close()
    assert SOUND_THREAD not in {thread.name for thread in threading.enumerate()}
    assert not sound.add(decoder, decoder.open(), some_codes(1), ROOM, 1).done()
