"""What flows while it is made can be decoded again, by programs that know nothing of how it was made."""

import io
import struct

import numpy as np
import pytest
import soundfile

from koe.audio.decode import read_audio
from koe.audio.flow import RATES, FlowEncoder, FlowFormat, fitting_rate
from koe.core.pcm import to_int16

SECONDS = 5
CHUNK = 7680
COMPRESSED = (FlowFormat.FLAC, FlowFormat.MP3, FlowFormat.OPUS)


def speech(rate: int) -> bytes:
    """As uneven as speech: loud and low parts, and silence."""
    time = np.arange(rate * SECONDS + 77) / rate
    hum = np.sin(2 * np.pi * 220 * time) + 0.2 * np.random.default_rng(5).normal(size=time.size)
    return to_int16(0.5 * hum * (np.sin(2 * np.pi * 0.7 * time) > 0))


def pieces(format: FlowFormat, rate: int, chunk: int = CHUNK) -> tuple[FlowEncoder, list[bytes]]:
    encoder, pcm = FlowEncoder(format, rate), speech(rate)
    flowed = [encoder.feed(pcm[start : start + chunk]) for start in range(0, len(pcm), chunk)]
    return encoder, [*flowed, encoder.finish()]


@pytest.mark.parametrize("rate", [8000, 16000, 22050, 24000, 44100, 48000])
@pytest.mark.parametrize("format", [f for f in FlowFormat if f is not FlowFormat.PCM])
def test_what_flows_is_decoded_again_in_its_whole_length(format: FlowFormat, rate: int) -> None:
    encoder, flowed = pieces(format, rate)
    decoded = read_audio(b"".join(flowed), most_seconds=60)
    # MP3 knows frames only, and begins and ends with silence of its own.
    padding = 0.18 if format is FlowFormat.MP3 else 0.001
    assert decoded.sample_rate == encoder.sample_rate
    assert SECONDS <= len(decoded.samples) / decoded.sample_rate <= SECONDS + 77 / rate + padding


@pytest.mark.parametrize("format", [FlowFormat.WAV, FlowFormat.FLAC])
def test_lossless_formats_hold_exactly_what_was_fed(format: FlowFormat) -> None:
    _, flowed = pieces(format, 22050)
    assert to_int16(read_audio(b"".join(flowed), most_seconds=60).samples[:, 0] * 32768 / 32767) == speech(22050)


def test_pcm_is_what_was_fed() -> None:
    assert b"".join(pieces(FlowFormat.PCM, 22050)[1]) == speech(22050)


def test_a_wav_states_no_length() -> None:
    header = pieces(FlowFormat.WAV, 22050)[1][0]
    assert struct.unpack_from("<I", header, 4) == struct.unpack_from("<I", header, 40) == (0xFFFFFFFF,)


@pytest.mark.parametrize("format", COMPRESSED)
def test_sound_leaves_long_before_the_end(format: FlowFormat) -> None:
    _, flowed = pieces(format, 24000)
    sizes = [len(piece) for piece in flowed]
    assert sum(sizes[:3]) > 500
    # Of each quarter of the audio something has left when it was fed.
    quarter = len(sizes) // 4
    assert all(sum(sizes[start : start + quarter]) > 0 for start in range(0, 4 * quarter, quarter))
    assert len(flowed[-1]) < 5000


@pytest.mark.parametrize("format", [FlowFormat.WAV, FlowFormat.PCM, FlowFormat.FLAC, FlowFormat.MP3])
def test_where_the_pcm_is_cut_changes_nothing(format: FlowFormat) -> None:
    assert b"".join(pieces(format, 24000, 1002)[1]) == b"".join(pieces(format, 24000, 16384)[1])


def test_opus_has_the_same_sound_wherever_the_pcm_is_cut() -> None:
    # Its pages and its serial number differ.
    fine, coarse = (b"".join(pieces(FlowFormat.OPUS, 24000, chunk)[1]) for chunk in (1002, 16384))
    fine_sound, coarse_sound = (read_audio(data, most_seconds=60).samples for data in (fine, coarse))
    assert np.array_equal(fine_sound, coarse_sound)


@pytest.mark.parametrize("format", COMPRESSED)
def test_no_sound_at_all_ends_well(format: FlowFormat) -> None:
    assert isinstance(FlowEncoder(format, 24000).finish(), bytes)


@pytest.mark.parametrize("format", COMPRESSED)
def test_an_encoder_may_be_left_in_the_middle(format: FlowFormat) -> None:
    encoder = FlowEncoder(format, 24000)
    encoder.feed(speech(24000)[:CHUNK])
    del encoder


@pytest.mark.parametrize(
    ("format", "rate", "fitting"),
    [("opus", 22050, 24000), ("opus", 44100, 48000), ("mp3", 8001, 11025), ("wav", 8001, 8001), ("flac", 12345, 12345)],
)
def test_a_rate_that_a_format_has_not_becomes_the_next_higher(format: str, rate: int, fitting: int) -> None:
    assert fitting_rate(FlowFormat(format), rate) == fitting


@pytest.mark.parametrize(("format", "rate"), [(f, rate) for f, rates in RATES.items() for rate in rates])
def test_the_rates_are_those_that_the_encoders_take(format: FlowFormat, rate: int) -> None:
    encoder = FlowEncoder(format, rate)
    data = encoder.feed(bytes(2 * rate)) + encoder.finish()
    assert soundfile.info(io.BytesIO(data)).samplerate == rate


@pytest.mark.parametrize("format", [FlowFormat.WAV, FlowFormat.FLAC])
@pytest.mark.parametrize("count", [1, 5000, 100_000])
def test_a_length_that_is_known_is_stated_at_the_beginning(format: FlowFormat, count: int) -> None:
    pcm = np.arange(count, dtype="<i2").tobytes()
    encoder = FlowEncoder(format, 24_000, samples=count)
    encoded = b"".join([*(encoder.feed(pcm[at : at + 3000]) for at in range(0, len(pcm), 3000)), encoder.finish()])
    read, rate = soundfile.read(io.BytesIO(encoded), dtype="int16")
    assert (rate, read.tobytes()) == (24_000, pcm)
    assert soundfile.info(io.BytesIO(encoded)).frames == count
