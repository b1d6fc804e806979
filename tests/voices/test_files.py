"""A voice as JSON comes back as it was, and a file that somebody spoiled is refused by name."""

import json
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from koe.core.effects import MOST_OF_A_VOICE, PRESETS, LowShelf, Pitch, Reverb, Speed
from koe.core.errors import MalformedInput
from koe.core.profile import Profile, Reference, Sampling
from koe.core.voice import VoiceKind
from koe.voices import files
from tests.voices.samples import THEN, cloned, named, with_everything

WAV = b"not looked at here"

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=200)
numbers = st.floats(0.01, 1)


def edited(profile: Profile, **changes: Any) -> bytes:
    """Its file after somebody changed keys by hand; None takes one out."""
    values = json.loads(files.to_json(profile)) | changes
    return json.dumps({key: value for key, value in values.items() if value is not ...}).encode()


def complaint(data: bytes) -> str:
    with pytest.raises(MalformedInput) as caught:
        files.from_json(data)
    return caught.value.message


def test_every_field_comes_back() -> None:
    profile = with_everything("alva", WAV, WAV + b"2")
    plain = Profile("x", "X", VoiceKind.NAMED, ("en",), THEN, THEN)
    assert [field.name for field in fields(Profile) if getattr(profile, field.name) == getattr(plain, field.name)] == [
        "created"
    ]
    assert files.from_json(files.to_json(profile)) == profile


@given(
    st.builds(
        Profile,
        id=st.from_regex("[b-d]{1,20}", fullmatch=True),
        name=st.text(st.characters(categories=["L", "N", "So"]), min_size=1, max_size=100),
        kind=st.just(VoiceKind.CLONED),
        languages=st.lists(st.sampled_from(["de", "en-GB", "zh-Hant"]), min_size=1, max_size=3, unique=True).map(tuple),
        created=st.datetimes(timezones=st.just(UTC)),
        changed=st.datetimes(timezones=st.just(UTC)),
        description=texts,
        references=st.lists(
            st.builds(
                Reference,
                st.from_regex("[0-9a-f]{16}[.]wav", fullmatch=True),
                st.from_regex("[0-9a-f]{64}", fullmatch=True),
                st.floats(0, 1e6),
                texts,
            ),
            min_size=1,
            max_size=3,
        ).map(tuple),
        instruct=texts,
        seed=st.none() | st.integers(0, 2**63 - 1),
        sampling=st.builds(Sampling, numbers, st.none() | st.integers(0, 100), numbers, st.none() | numbers),
        gain=st.floats(-20, 20),
        effects=st.lists(
            st.builds(Pitch, semitones=st.floats(-12, 12), keep_formants=st.booleans())
            | st.builds(Speed, factor=st.floats(0.25, 4))
            | st.builds(LowShelf, hertz=st.floats(20, 20_000), gain=st.floats(-24, 24)),
            max_size=MOST_OF_A_VOICE,
        ).map(tuple),
    )
)
def test_every_voice_comes_back(profile: Profile) -> None:
    assert files.from_json(files.to_json(profile)) == profile == files.checked(profile)


def test_a_file_is_one_that_people_can_read() -> None:
    lines = files.to_json(with_everything("alva", WAV)).decode().splitlines()
    assert lines[1] == '  "version": 1,'
    assert '  "name": "Älva Ström 🙂",' in lines
    assert '  "created": "2026-01-31T18:00:00Z",' in lines


def test_languages_and_times_are_brought_into_one_form() -> None:
    there = timezone(timedelta(hours=2))
    profile = files.checked(
        named(
            "anna", languages=("de_DE.UTF-8", "deu-de", "zh-cmn-Hans"), created=datetime(2026, 1, 1, 12, tzinfo=there)
        )
    )
    assert profile.languages == ("de-DE", "zh-Hans")
    assert (profile.created.hour, profile.created.tzinfo) == (10, UTC)


def test_only_what_has_no_default_is_needed() -> None:
    short = {
        "version": 1,
        "id": "anna",
        "name": "Anna",
        "kind": "named",
        "base": "qwen-ryan",
        "languages": ["de"],
        "created": "2026-01-31",
        "changed": "2026-01-31T18:00",
    }
    profile = files.from_json(b"\xef\xbb\xbf" + json.dumps(short).encode())
    assert profile == named(
        "anna",
        languages=("de",),
        created=datetime(2026, 1, 31, tzinfo=UTC),
        changed=datetime(2026, 1, 31, 18, tzinfo=UTC),
    )


def test_effects_may_be_written_in_short() -> None:
    short = ["M3GAN", "reverb:size=0.4, wet=0.1", {"effect": "speed", "factor": 1.1}]
    profile = files.from_json(edited(named("anna"), effects=short))
    assert profile.effects == (*PRESETS["M3GAN"], Reverb(size=0.4, wet=0.1), Speed(factor=1.1))
    # What a preset's name meant then is kept, whatever it may mean later.
    assert b"M3GAN" not in files.to_json(profile)


REFERENCE = {"file": "a.wav", "sha256": "0" * 64, "duration": 1.0}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"speeed": 1}, "speeed is nothing that a voice has; did you mean speed?"),
        ({"name": ...}, "name is missing"),
        ({"name": " "}, "name: it is empty"),
        ({"name": "a\nb"}, "name: 'a\\nb' holds a control character"),
        ({"name": "a\u202eb"}, "name: "),
        ({"name": "x" * 101}, "at most 100 characters"),
        ({"name": 7}, "name: 7 isn't right: it should be a valid string"),
        ({"id": "../x"}, "id: '../x' is no id"),
        ({"kind": "cloned"}, "a cloned voice needs a reference"),
        ({"kind": "designed"}, "a designed voice needs a reference"),
        ({"kind": "sung"}, "kind: 'sung' isn't right"),
        ({"base": ""}, "a named voice needs base"),
        ({"references": [REFERENCE]}, "a named voice has no references"),
        ({"languages": []}, "languages: [] isn't right"),
        ({"languages": ["deutsch"]}, "languages: 'deutsch' is no language tag"),
        ({"languages": "de"}, "languages: 'de' isn't right"),
        ({"speed": 2.1}, "speed: 2.1 isn't right: it should be less than or equal to 2"),
        ({"speed": 0.4}, "speed: 0.4"),
        ({"speed": True}, "speed: True"),
        ({"speed": "1"}, "speed: '1'"),
        ({"speed": float("nan")}, "speed: nan"),
        ({"gain": 21}, "gain: 21"),
        ({"gain": -20.5}, "gain: -20.5"),
        ({"seed": -1}, "seed: -1"),
        ({"seed": 2**63}, "seed: "),
        ({"seed": 1.5}, "seed: 1.5"),
        ({"tags": ["x"] * 21}, "tags: "),
        ({"description": "x" * 2001}, "description: "),
        ({"design": "x" * 2001}, "design: "),
        ({"instruct": "x" * 2001}, "instruct: "),
        ({"created": 5}, "created: 5 is no time"),
        ({"created": "soon"}, "created: 'soon' isn't right"),
        ({"changed": "0001-01-01T00:00:00+14:00"}, "changed: "),
        ({"engine": "../x"}, "engine: "),
        ({"sampling": {"temperature": 0}}, "sampling.temperature: 0"),
        ({"sampling": {"temperature": 2.1}}, "sampling.temperature: 2.1"),
        ({"sampling": {"top_k": -1}}, "sampling.top_k: -1"),
        ({"sampling": {"top_p": 0}}, "sampling.top_p: 0"),
        ({"sampling": {"top_p": 1.1}}, "sampling.top_p: 1.1"),
        ({"sampling": {"repetition_penalty": 0}}, "sampling.repetition_penalty: 0"),
        ({"sampling": {"heat": 1}}, "sampling.heat is nothing that a voice has"),
        ({"references": [REFERENCE] * 11}, "references: "),
        ({"references": [REFERENCE | {"file": "../a.wav"}]}, "references[0].file: '../a.wav'"),
        ({"references": [REFERENCE | {"file": "/a.wav"}]}, "references[0].file: "),
        ({"references": [REFERENCE | {"file": "a.wav\n"}]}, "references[0].file: "),
        ({"references": [REFERENCE, REFERENCE | {"sha256": "F" * 64}]}, "references[1].sha256: "),
        ({"references": [REFERENCE | {"duration": -1}]}, "references[0].duration: -1 isn't right"),
        ({"references": [REFERENCE | {"transcript": "x" * 2001}]}, "references[0].transcript: "),
        ({"effects": [{"effect": "reverb", "size": 1}]}, "effects[0].reverb.size: 1 isn't right: it should be less"),
        ({"effects": [{"effect": "reverb", "depth": 1}]}, "effects[0].reverb.depth is nothing that a voice has"),
        ({"effects": ["gain:db=1", "gain:db=25"]}, "effects[1].gain.db: 25.0 isn't right: it should be less"),
        ({"effects": [{"effect": "chorus"}]}, "effects[0]: "),
        ({"effects": ["HAL"]}, "effects: there is no effect and no preset called 'HAL'"),
        ({"effects": "M3GAN"}, "effects: 'M3GAN' isn't right"),
        ({"effects": [{"effect": "gain", "db": 1}] * 14}, "effects: "),
        ({"version": ...}, 'version is missing: add "version": 1'),
        ({"version": 2}, "written by a newer Koe (version 2; this one knows 1)"),
        ({"version": 0}, "version: 0 is none"),
        ({"version": True}, "version: True is none"),
        ({"version": "1"}, "version: '1' is none"),
    ],
)
def test_what_is_wrong_is_said_by_name(change: dict[str, Any], said: str) -> None:
    assert said in complaint(edited(named("anna"), **change))


def test_all_that_is_wrong_is_said_at_once_but_not_without_end() -> None:
    assert complaint(edited(named("anna"), speed=3, gain=30)).count("isn't right") == 2
    many = complaint(edited(named("anna"), **{f"key{number}": 1 for number in range(1000)}))
    assert "and 995 more" in many
    assert len(many) < 1000


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "no valid JSON (line 1, column 1)"),
        (files.to_json(named("anna"))[:100], "no valid JSON (line "),
        (b"[]", "this is something else"),
        (b"null", "this is something else"),
        (b"\xff\xfe{\0}\0", "not UTF-8"),
        (b'{"version": 1, "version": 1}', "version is there twice"),
        (b"[" * 100_000, "nested too deeply"),
        (b'{"version": ' + b"1" * 5000 + b"}", "can't be read"),
        (b" " * (256 * 1024 + 1), "larger than 256 KiB"),
        (b'{"version": 1, "name": "\\ud800"}', "name: "),
    ],
)
def test_what_is_no_voice_at_all_is_refused(data: bytes, said: str) -> None:
    assert said in complaint(data)


@given(
    st.binary(max_size=300)
    | st.recursive(st.none() | st.text(), st.lists).map(lambda value: json.dumps(value).encode())
)
def test_nothing_but_a_refusal_comes_of_noise(data: bytes) -> None:
    complaint(data)


def test_a_voice_that_could_not_be_read_back_is_not_written() -> None:
    with pytest.raises(MalformedInput, match="name"):
        files.to_json(named("anna", name="\ud800"))
    with pytest.raises(MalformedInput, match="speed"):
        files.to_json(named("anna", speed=float("nan")))
    assert len(files.to_json(longest())) < files.MAX_BYTES


def longest() -> Profile:
    """Every text as long as it may be, of what takes most bytes in JSON."""
    text = "\x01" * 2000
    effects = (LowShelf(hertz=1234.567890123456, gain=-12.34567890123456, q=1.234567890123456),) * MOST_OF_A_VOICE
    references = tuple(Reference("a.wav", f"{index:064}", 1, text) for index in range(10))
    return cloned(
        "anna",
        references=references,
        description=text,
        design=text,
        instruct=text,
        tags=("🙂" * 100,) * 20,
        effects=effects,
    )


def test_older_layouts_are_brought_up_to_date_step_by_step() -> None:
    def from_1(values: dict[str, Any]) -> dict[str, Any]:
        return values | {"name": values["called"]}

    def from_2(values: dict[str, Any]) -> dict[str, Any]:
        del values["called"]
        return values

    old = {"version": 1, "called": "Anna"}
    assert files.migrated(old, (from_1, from_2)) == {"name": "Anna"}
    assert files.migrated({"version": 2, "called": "x", "name": "y"}, (from_1, from_2)) == {"name": "y"}
    assert files.migrated({"version": 3}, (from_1, from_2)) == {}
    assert old == {"version": 1, "called": "Anna"}
    with pytest.raises(MalformedInput, match="this one knows 3"):
        files.migrated({"version": 4}, (from_1, from_2))


def test_plain_is_for_json() -> None:
    plain = files.to_plain(replace(with_everything("alva", WAV)))
    assert json.loads(json.dumps(plain)) == plain
    assert plain["kind"] == "designed"
