"""Which checkpoint serves a request, and what is said where none can."""

from pathlib import Path

import pytest

from koe.core.errors import EngineUnavailable, RequestError, UnknownVoice, UnsupportedAbility
from koe.engine.qwen.checkpoints import Checkpoint
from koe.engine.qwen.choice import Wanted, choose
from koe.engine.qwen.published import PUBLISHED, Ability, Size
from koe.engine.qwen.voices import named_voices

SPEAKERS = {"ryan": None, "serena": None}
ALL = [
    Checkpoint(each.name, Path(each.name), each.ability, each.size, SPEAKERS if each.ability == "named" else {})
    for each in PUBLISHED
]
SMALL, LARGE, DESIGN, SMALL_BASE, LARGE_BASE, CODEC = ALL
PIRATE = Checkpoint("pirate", Path("pirate"), Ability.NAMED, "0.6B", {"pirate": None})
DAMAGED = Checkpoint(SMALL.name, Path("x"), Ability.NAMED, "0.6B", SPEAKERS, problem="x/model.safetensors is missing")
NAMED = Wanted(Ability.NAMED, "Ryan")
STYLED = Wanted(Ability.NAMED, "ryan", instruct=True)


@pytest.mark.parametrize(
    ("wanted", "size", "expected"),
    [
        (NAMED, "0.6B", SMALL),
        (NAMED, "1.7B", LARGE),
        (STYLED, "0.6B", LARGE),
        (STYLED, "1.7B", LARGE),
        (Wanted(Ability.DESIGN), "0.6B", DESIGN),
        (Wanted(Ability.CLONE), "0.6B", SMALL_BASE),
        (Wanted(Ability.CLONE), "1.7B", LARGE_BASE),
        (Wanted(Ability.NAMED, "pirate"), "1.7B", PIRATE),
        (Wanted(Ability.NAMED), "0.6B", SMALL),
    ],
)
def test_the_table(wanted: Wanted, size: Size, expected: Checkpoint) -> None:
    assert choose(wanted, [PIRATE, *ALL], size) is expected


def test_the_other_size_serves_where_the_preferred_one_is_not_here() -> None:
    assert choose(NAMED, [LARGE], "0.6B") is LARGE
    assert choose(Wanted(Ability.CLONE), [SMALL_BASE], "1.7B") is SMALL_BASE


def test_a_damaged_one_is_passed_over_while_another_can_do_it() -> None:
    assert choose(NAMED, [DAMAGED, LARGE], "0.6B") is LARGE
    with pytest.raises(EngineUnavailable, match=r"model\.safetensors is missing; see .*koe models verify"):
        choose(NAMED, [DAMAGED], "0.6B")


def test_what_is_not_here_can_be_downloaded() -> None:
    with pytest.raises(EngineUnavailable, match=r"koe models download Qwen3-TTS-12Hz-0\.6B-CustomVoice"):
        choose(NAMED, [], "0.6B")
    with pytest.raises(EngineUnavailable, match=r"from a description is here; .*1\.7B-VoiceDesign"):
        choose(Wanted(Ability.DESIGN), [SMALL], "0.6B")


def test_an_instruct_is_never_dropped() -> None:
    complaint = r"0\.6B-CustomVoice takes no instruct; Qwen3-TTS-12Hz-1\.7B-CustomVoice does; .* download"
    with pytest.raises(UnsupportedAbility, match=complaint):
        choose(STYLED, [SMALL], "0.6B")
    with pytest.raises(UnsupportedAbility, match=r"reference clip take no instruct; .*1\.7B-CustomVoice does"):
        choose(Wanted(Ability.CLONE, instruct=True), ALL, "0.6B")


def test_a_speaker_that_nobody_has_is_unknown() -> None:
    with pytest.raises(UnknownVoice, match="no checkpoint has a speaker 'bob'; there are: pirate, ryan, serena"):
        choose(Wanted(Ability.NAMED, "bob"), [PIRATE, SMALL], "0.6B")


def test_the_preferred_one_serves_what_it_can() -> None:
    found = [*ALL, PIRATE]
    assert choose(Wanted(Ability.NAMED), found, "1.7B", preferred="pirate") is PIRATE
    assert choose(NAMED, found, "0.6B", preferred="1.7B-CustomVoice") is LARGE
    assert choose(Wanted(Ability.CLONE), found, "0.6B", preferred="pirate") is SMALL_BASE
    assert choose(STYLED, found, "0.6B", preferred=SMALL.name) is LARGE
    with pytest.raises(RequestError, match="no checkpoint 'pirat'"):
        choose(NAMED, found, "0.6B", preferred="pirat")


def test_a_wanted_size_goes_before_what_the_house_prefers() -> None:
    wanted = Wanted(Ability.CLONE, size="1.7B")
    assert choose(wanted, ALL, "0.6B") is LARGE_BASE
    assert choose(wanted, ALL, "0.6B", preferred=SMALL_BASE.name) is LARGE_BASE
    assert choose(wanted, [SMALL_BASE], "0.6B") is SMALL_BASE
    tuned = Checkpoint("tuned", Path("tuned"), Ability.CLONE, "1.7B")
    assert choose(wanted, [*ALL, tuned], "0.6B", preferred="tuned") is tuned
    with pytest.raises(EngineUnavailable, match=r"1\.7B-Base"):
        choose(wanted, [], "0.6B")


@pytest.mark.parametrize("name", ["Qwen3-TTS-12Hz-1.7B-CustomVoice", "1.7b-customvoice"])
def test_an_override_is_kept_to(name: str) -> None:
    assert choose(NAMED, ALL, "0.6B", override=name) is LARGE


def test_an_override_that_can_not_do_it_is_refused() -> None:
    with pytest.raises(UnsupportedAbility, match=r"0\.6B-CustomVoice takes no instruct; .*1\.7B-CustomVoice does"):
        choose(STYLED, ALL, "0.6B", override=SMALL.name)
    with pytest.raises(UnsupportedAbility, match=r"Base doesn't speak voices from a description; .*VoiceDesign does"):
        choose(Wanted(Ability.DESIGN), ALL, "0.6B", override=SMALL_BASE.name)
    with pytest.raises(UnsupportedAbility, match="pirate has no speaker 'Ryan'"):
        choose(NAMED, [PIRATE, SMALL], "0.6B", override="pirate")
    with pytest.raises(EngineUnavailable, match="is missing"):
        choose(NAMED, [DAMAGED, LARGE], "0.6B", override=DAMAGED.name)


def test_an_override_that_is_not_here_says_what_to_do() -> None:
    with pytest.raises(EngineUnavailable, match=r"isn't here; get it with: .*koe models download .*1\.7B-Base"):
        choose(Wanted(Ability.CLONE), [SMALL_BASE], "0.6B", override="1.7B-Base")
    with pytest.raises(RequestError, match=r"no checkpoint 'pirat'; here are: pirate"):
        choose(NAMED, [PIRATE], "0.6B", override="pirat")


def test_only_a_codec_speaks_nothing() -> None:
    with pytest.raises(EngineUnavailable):
        choose(NAMED, [CODEC], "0.6B")


def test_a_speaker_is_found_in_any_spelling_of_its_id() -> None:
    tuned = Checkpoint("tuned", Path("tuned"), Ability.NAMED, "1.7B", {"Grandma Ann": None})
    for speaker in ("grandma-ann", "Grandma Ann", "grandma  ann"):
        assert choose(Wanted(Ability.NAMED, speaker), [*ALL, tuned], "0.6B") is tuned


def test_a_voice_has_styles_where_any_checkpoint_takes_an_instruct() -> None:
    voices = {voice.id: voice for voice in named_voices([SMALL, PIRATE, LARGE], ["whisper"])}
    assert list(voices) == ["qwen-ryan", "qwen-serena", "qwen-pirate"]
    assert voices["qwen-ryan"].styles == ("whisper",)
    assert voices["qwen-pirate"].styles == ()
    assert named_voices([SMALL], ["whisper"])[0].styles == ()


def test_of_two_speakers_with_the_same_id_the_first_is_the_voice() -> None:
    twins = Checkpoint("twins", Path("twins"), Ability.NAMED, "1.7B", {"Ann B": "x_dialect", "ann b": None, " ": None})
    [voice] = named_voices([twins], [])
    assert (voice.id, voice.name) == ("qwen-ann-b", "Ann B (x dialect)")
