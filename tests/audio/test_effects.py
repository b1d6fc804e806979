"""An effect sounds as it says, begins and ends to the sample, and is the same live and in one go."""

import builtins
import json
from collections.abc import AsyncIterator, Iterator, Sequence
from typing import Any

import numpy as np
import pytest
import pytest_asyncio
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from koe.audio.effects.chain import EffectChain
from koe.audio.effects.stage import Samples
from koe.core.effects import (
    CHAIN,
    MOST_EFFECTS,
    MOST_OF_A_VOICE,
    PRESETS,
    Effect,
    Gain,
    HighShelf,
    LowShelf,
    Pitch,
    Reverb,
    Speed,
    as_text,
    preset,
)
from koe.core.errors import LimitExceeded, UnsupportedAbility
from koe.core.pcm import to_float
from koe.engine import SpeechOptions
from koe.engine.espeak import EspeakEngine

RATE = 24_000
BOARD: list[Effect] = [Reverb(size=0.2, wet=0.3), LowShelf(hertz=200, gain=4), HighShelf(hertz=3000, gain=-6)]


def hum(seconds: float, hertz: float = 200.0, rate: int = RATE) -> Samples:
    """With harmonics, swelling."""
    time = np.arange(round(seconds * rate)) / rate
    harmonics = np.arange(1, min(20, rate / 2 / hertz))[:, None]
    sound = (np.sin(2 * np.pi * hertz * harmonics * time) / harmonics).sum(0)
    return np.asarray(0.2 * sound * (1 + 0.5 * np.sin(9 * time)), np.float32)


def pitch(samples: Samples, near: float, rate: int = RATE, place: float = 0.5) -> float:
    """Hz, at this share of the sound, within three semitones of `near`: where six harmonics stand out the most."""
    middle, half = round(place * len(samples)), rate // 25
    part = samples[middle - half : middle + half] * np.hanning(2 * half)
    spectrum = np.log(np.abs(np.fft.rfft(part, 16 * half)) + 1e-6)
    notes = near * np.geomspace(2 ** (-3 / 12), 2 ** (3 / 12), 601)
    places = np.outer(notes, np.arange(1, 7)) * 16 * half / rate
    return float(notes[np.interp(places, np.arange(len(spectrum)), spectrum).sum(1).argmax()])


def semitones(higher: float, lower: float) -> float:
    return float(12 * np.log2(higher / lower))


def level(samples: Samples, hertz: float, rate: int = RATE) -> float:
    """dB of a sine of amplitude 1 at this frequency."""
    window = np.hanning(len(samples))
    turning = np.exp(-2j * np.pi * hertz * np.arange(len(samples)) / rate)
    return float(20 * np.log10(2 * abs((samples * window * turning).sum()) / window.sum()))


def sine(hertz: float, seconds: float = 1.0) -> Samples:
    return (0.1 * np.sin(2 * np.pi * hertz * np.arange(round(seconds * RATE)) / RATE)).astype(np.float32)


def live(chain: EffectChain, samples: Samples, cuts: Sequence[int]) -> Samples:
    return np.concatenate([*map(chain.feed, np.split(samples, sorted(cuts))), chain.finish()])


effects: st.SearchStrategy[Effect] = st.one_of(
    st.builds(Pitch, semitones=st.floats(-12, 12), keep_formants=st.booleans()),
    st.builds(Speed, factor=st.floats(0.25, 4)),
    st.builds(Reverb, size=st.floats(0, 0.3), damping=st.floats(0, 1), wet=st.floats(0, 1)),
    st.builds(LowShelf, hertz=st.floats(20, 3000), gain=st.floats(-24, 24), q=st.floats(0.1, 10)),
    st.builds(HighShelf, hertz=st.floats(20, 3000), gain=st.floats(-24, 24), q=st.floats(0.1, 10)),
    st.builds(Gain, db=st.floats(-60, 24)),
)
lengths = st.one_of(st.integers(0, 4), st.integers(0, 9000))
cuts = st.lists(st.integers(0, 9000), max_size=30)


@settings(max_examples=60)
@given(st.lists(effects, max_size=4), st.sampled_from([8000, 22050, 24_000, 44_100, 48_000]), lengths, cuts)
def test_where_a_stream_is_cut_never_changes_it(chain: list[Effect], rate: int, length: int, cuts: list[int]) -> None:
    noise = np.random.default_rng(length).normal(0, 0.1, length).astype(np.float32)
    samples = (hum(1.2, rate=rate)[:length] + noise[: round(1.2 * rate)]) if length < rate else noise
    whole = EffectChain(chain, rate).process(samples)
    assert len(whole) == EffectChain(chain, rate).length(len(samples))
    assert whole.dtype == np.float32
    np.testing.assert_allclose(live(EffectChain(chain, rate), samples, cuts), whole, atol=1e-4)


def test_nothing_changes_without_effects() -> None:
    assert EffectChain([], RATE).process(hum(0.5)).tobytes() == hum(0.5).tobytes()


@pytest.mark.parametrize("chain", [[Speed(factor=1.0)], [Pitch(semitones=0)], [Gain(db=0)]])
def test_effects_that_ask_for_nothing_change_nothing(chain: list[Effect]) -> None:
    assert EffectChain(chain, RATE).process(hum(0.5)).tobytes() == hum(0.5).tobytes()


@pytest.mark.parametrize("rate", [8000, 24_000, 48_000])
@pytest.mark.parametrize("factor", [0.25, 0.5, 0.8, 1.25, 2.0, 4.0])
def test_speed_changes_the_length_to_the_sample_and_not_the_pitch(rate: int, factor: float) -> None:
    heard = EffectChain([Speed(factor=factor)], rate).process(hum(2.0, rate=rate))
    assert len(heard) == round(2.0 * rate / factor)
    assert abs(semitones(pitch(heard, 200.0, rate), 200.0)) < 0.1
    assert np.std(heard) == pytest.approx(np.std(hum(2.0, rate=rate)), rel=0.1)


@pytest.mark.parametrize("rate", [8000, 24_000, 48_000])
@pytest.mark.parametrize("keep_formants", [False, True])
@pytest.mark.parametrize("asked", [-12.0, -3.0, 0.5, 4.0, 12.0])
def test_pitch_changes_by_the_semitones_asked_and_not_the_length(rate: int, asked: float, keep_formants: bool) -> None:
    chain = EffectChain([Pitch(semitones=asked, keep_formants=keep_formants)], rate)
    heard = chain.process(hum(1.0, rate=rate))
    assert len(heard) == rate
    assert semitones(pitch(heard, 200.0 * 2 ** (asked / 12), rate), 200.0) == pytest.approx(asked, abs=0.15)


@pytest.mark.parametrize("effect", [Speed(factor=0.8), Pitch(semitones=4), Pitch(semitones=-4, keep_formants=True)])
def test_what_is_heard_comes_when_it_should(effect: Effect) -> None:
    """A beep between silences begins and ends within a twentieth of a second of where it should."""
    silence = np.zeros(RATE, np.float32)
    heard = EffectChain([effect], RATE).process(np.concatenate([silence, hum(0.5), silence]))
    factor = effect.factor if isinstance(effect, Speed) else 1.0
    loud = np.flatnonzero(np.abs(heard) > 0.05) / RATE
    assert loud[0] == pytest.approx(1.0 / factor, abs=0.05)
    assert loud[-1] == pytest.approx(1.5 / factor, abs=0.05)


def test_it_comes_while_it_is_fed() -> None:
    chain = EffectChain([*PRESETS["M3GAN"], *BOARD], RATE)
    assert len(chain.feed(hum(1.0))) > 0.85 * RATE


@pytest.mark.parametrize("effect", [*PRESETS["M3GAN"], Speed(factor=0.7), Reverb(), Gain(db=24)])
def test_silence_stays_silent(effect: Effect) -> None:
    assert not EffectChain([effect], RATE).process(np.zeros(RATE, np.float32)).any()


class TestShelvesAndReverb:
    def test_a_low_shelf_raises_what_is_below_it(self) -> None:
        shelf = LowShelf(hertz=500, gain=6)
        for hertz, gain in ((60, 6.0), (5000, 0.0)):
            heard = EffectChain([shelf], RATE).process(sine(hertz))
            assert level(heard, hertz) - level(sine(hertz), hertz) == pytest.approx(gain, abs=0.3)

    def test_a_high_shelf_lowers_what_is_above_it(self) -> None:
        shelf = HighShelf(hertz=1000, gain=-9)
        for hertz, gain in ((80, 0.0), (9000, -9.0)):
            heard = EffectChain([shelf], RATE).process(sine(hertz))
            assert level(heard, hertz) - level(sine(hertz), hertz) == pytest.approx(gain, abs=0.3)

    def test_a_dry_reverb_changes_nothing_but_the_silence_after_it(self) -> None:
        heard = EffectChain([Reverb(wet=0)], RATE).process(hum(0.5))
        np.testing.assert_allclose(heard[: RATE // 2], hum(0.5), atol=1e-5)
        assert not heard[RATE // 2 :].any()

    @pytest.mark.parametrize("size", [0.0, 0.5, 0.9])
    def test_a_reverb_rings_on_until_nothing_is_heard_of_it(self, size: float) -> None:
        heard = EffectChain([Reverb(size=size, damping=0, wet=1)], RATE).process(hum(0.5))
        ringing = heard[RATE // 2 :]
        twentieth = RATE // 20
        assert np.std(ringing[:twentieth]) > 0.01
        assert np.std(ringing[-twentieth:]) < np.std(ringing[:twentieth]) * 10 ** (-45 / 20)

    def test_a_shelf_beyond_the_sound_is_refused_with_what_is_possible(self) -> None:
        with pytest.raises(UnsupportedAbility, match="below 4000 Hz"):
            EffectChain([HighShelf(hertz=5000, gain=3)], 8000)

    def test_without_the_library_the_command_that_installs_it_is_named(self, without_pedalboard: None) -> None:
        with pytest.raises(UnsupportedAbility, match=r"pip install .*effects"):
            EffectChain([Reverb()], RATE)
        assert len(EffectChain([*PRESETS["M3GAN"], Gain(db=3)], RATE).process(hum(0.1))) == RATE // 10


@pytest.fixture
def without_pedalboard(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    real = builtins.__import__

    def absent(name: str, *arguments: Any, **options: Any) -> Any:
        if name == "pedalboard":
            raise ModuleNotFoundError("No module named 'pedalboard'")
        return real(name, *arguments, **options)

    with monkeypatch.context() as patched:
        patched.setattr(builtins, "__import__", absent)
        yield


@pytest_asyncio.fixture
async def espeak() -> AsyncIterator[EspeakEngine]:
    engine = EspeakEngine(rate=80, pitch=99)
    await engine.start()
    yield engine
    await engine.stop()


async def spoken(engine: EspeakEngine, text: str) -> Samples:
    """Without the silence around it."""
    stream = engine.open(next(v for v in engine.voices() if v.id == "espeak-de"), SpeechOptions())
    stream.feed(text)
    stream.finish()
    pcm = b"".join([chunk async for chunk in stream])
    await stream.aclose()
    samples = to_float(pcm)
    loud = np.flatnonzero(np.abs(samples) > np.abs(samples).max() / 4)
    return samples[loud[0] : loud[-1]]


def envelope(samples: Samples, rate: int) -> Samples:
    """dB from 250 to 4000 Hz, by linear prediction over the middle half; its mean is 0.

    Another way than the one by which the formants are kept.
    """
    frame, order, half = round(0.04 * rate), 20, samples[len(samples) // 4 : 3 * len(samples) // 4]
    frames = np.lib.stride_tricks.sliding_window_view(half, frame)[:: frame // 2] * np.hanning(frame)
    alike = np.fft.irfft(np.abs(np.fft.rfft(frames, 4 * frame)) ** 2)[:, : order + 1].sum(0)
    alike[0] *= 1.0001
    predictor = np.linalg.solve(alike[np.abs(np.subtract.outer(range(order), range(order)))], alike[1:])
    curve = -20 * np.log10(np.abs(np.fft.rfft(np.append(1.0, -predictor), 8192)))
    heard = curve[round(250 * 8192 / rate) : round(4000 * 8192 / rate)]
    return np.asarray(heard - heard.mean(), np.float32)


def apart(one: Samples, other: Samples) -> float:
    """dB."""
    return float(np.sqrt(np.mean((one - other) ** 2)))


@pytest.mark.parametrize("vowel", ["[[a:]]", "[[e:]]", "[[i:]]", "[[o:]]", "[[u:]]"])
async def test_another_note_in_the_same_throat(espeak: EspeakEngine, vowel: str) -> None:
    """The envelope stays within 3 dB (root mean square) of the vowel's own, and far nearer than without."""
    speech, rate = await spoken(espeak, vowel), espeak.sample_rate
    for asked in (-4.0, 3.0, 7.0):
        kept = EffectChain([Pitch(semitones=asked, keep_formants=True)], rate).process(speech)
        moved = EffectChain([Pitch(semitones=asked)], rate).process(speech)
        moves = []
        for place in np.linspace(0.3, 0.7, 9):
            note = pitch(speech, 155.0, rate, place)
            moves.append(semitones(pitch(kept, note * 2 ** (asked / 12), rate, place), note))
        assert np.median(moves) == pytest.approx(asked, abs=0.3)
        distance = apart(envelope(kept, rate), envelope(speech, rate))
        assert distance < 3.0
        assert distance < apart(envelope(moved, rate), envelope(speech, rate)) / 2
        assert 20 * np.log10(np.std(kept) / np.std(speech)) == pytest.approx(0, abs=4.0)


class TestSpecifications:
    def test_a_chain_is_read_as_it_was_written(self) -> None:
        chain: tuple[Effect, ...] = (*PRESETS["M3GAN"], Speed(factor=1.1), *BOARD, Gain(db=-3))
        assert CHAIN.validate_json(CHAIN.dump_json(chain)) == chain

    @pytest.mark.parametrize(
        ("wrong", "named"),
        [
            ({"effect": "pitch", "semitones": 13}, "semitones"),
            ({"effect": "pitch", "semitones": float("nan")}, "semitones"),
            ({"effect": "speed", "factor": 0}, "factor"),
            ({"effect": "reverb", "size": 1}, "size"),
            ({"effect": "low_shelf", "hertz": 0, "gain": 1}, "hertz"),
            ({"effect": "gain", "db": 1, "loud": True}, "loud"),
            ({"effect": "chorus"}, "chorus"),
            ({"effect": "gain", "db": True}, "db"),
            ({"effect": "gain", "db": "1"}, "db"),
        ],
    )
    def test_what_is_wrong_is_named(self, wrong: dict[str, Any], named: str) -> None:
        with pytest.raises(ValidationError, match=named):
            CHAIN.validate_python([wrong])

    def test_too_many_effects_are_refused(self) -> None:
        chain = [Gain(db=1)] * (MOST_EFFECTS + 1)
        with pytest.raises(ValidationError):
            CHAIN.validate_python(chain)
        with pytest.raises(LimitExceeded, match="no more than 16"):
            EffectChain(chain, RATE)

    @given(st.lists(effects, max_size=MOST_OF_A_VOICE))
    def test_effects_are_written_as_text_and_read_again(self, chain: list[Effect]) -> None:
        assert CHAIN.validate_python([as_text(effect) for effect in chain]) == tuple(chain)

    def test_a_text_may_leave_out_what_is_as_usual_and_name_a_preset(self) -> None:
        written = ["M3GAN", "reverb", "pitch: semitones = -2, keep_formants = true"]
        read = (*PRESETS["M3GAN"], Reverb(), Pitch(semitones=-2, keep_formants=True))
        assert CHAIN.validate_python(written) == read == CHAIN.validate_json(json.dumps(written))

    @pytest.mark.parametrize(
        ("text", "said"),
        [
            ("HAL", "no effect and no preset called 'HAL'"),
            ("chorus:depth=1", "no effect and no preset"),
            ("", "no effect and no preset"),
            ("reverb:size", "'size' in 'reverb:size' has no value"),
            ("reverb:size=0.1,size=0.2", "'size' in .* is there twice"),
            ("reverb:effect=gain", "'effect' in .* is there twice"),
            ("reverb:size=big", "valid number"),
            ("reverb:size=nan", "finite"),
            ("reverb:size=0.1,depth=1", "depth"),
            ("pitch:semitones=true", "valid number"),
            ("reverb:size=" + "1" * 1000, "at most 200"),
        ],
    )
    def test_a_text_that_is_wrong_says_why(self, text: str, said: str) -> None:
        with pytest.raises(ValidationError, match=said):
            CHAIN.validate_python([text])

    def test_presets_are_found_by_name(self) -> None:
        assert preset("M3GAN") == PRESETS["M3GAN"]
        with pytest.raises(UnsupportedAbility, match="M3GAN"):
            preset("HAL")

    @pytest.mark.parametrize("rate", [0, 7999, 96_000])
    def test_rates_beyond_the_bounds_are_refused(self, rate: int) -> None:
        with pytest.raises(UnsupportedAbility, match="8000 to 48000 Hz"):
            EffectChain([Gain(db=1)], rate)
