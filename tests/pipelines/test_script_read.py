import io
from typing import Any

import pytest

from koe.core.errors import KoeError, LimitExceeded, MalformedInput, NothingToSpeak
from koe.pipelines.plan import Plan
from koe.pipelines.script_read import ScriptOptions, plan_script

VOICES = ["espeak-en", "granny", "wolf"]
SCRIPT = """It was dark.
Red: Why is it so dark (in here)?

Wolf (growling): Who knows.
[pause:2s]
RED: I do.
"""


def planned(text: str | bytes, **options: Any) -> Plan:
    data = text.encode() if isinstance(text, str) else text
    return plan_script(io.BytesIO(data), ScriptOptions.model_validate(options), VOICES)


def test_each_speaker_has_the_voice_of_the_table() -> None:
    table = {"red": {"voice": "granny", "speed": 1.2, "seed": 4}, "WOLF": {"voice": "wolf", "gain": -3}, "": {}}
    plan = planned(SCRIPT, speakers=table, gap=0.3)
    assert plan.is_ready
    assert [(item.group, item.how.voice, item.text, item.pause_after) for item in plan.items] == [
        ("", None, "It was dark.", 0.3),
        ("red", "granny", "Why is it so dark (in here)?", 0.3),
        ("WOLF", "wolf", "Who knows.", 2.0),
        ("red", "granny", "I do.", 0.3),
    ]
    assert (plan.items[1].how.speed, plan.items[1].how.seed, plan.items[2].how.gain) == (1.2, 4, -3)
    assert {item.file for item in plan.items} == {"script"}


def test_all_speakers_without_a_voice_are_told_at_once() -> None:
    plan = planned(SCRIPT, speakers={"Nobody": {}})
    assert not plan.is_ready
    [problem] = [each for each in plan.problems if each.stops]
    assert problem.where == "line 1"
    assert problem.wrong == "speakers without a voice: nobody (line 1), 'Red' (line 2), 'Wolf' (line 4)"


def test_a_thousand_speakers_make_one_bearable_problem() -> None:
    plan = planned("".join(f"[Speaker {n}] Hello.\n" for n in range(1000)))
    assert len(plan.problems) == 1
    assert "and 970 more" in plan.problems[0].wrong and len(str(plan.problems[0])) < 2000


def test_a_default_voice_speaks_for_those_that_the_table_lacks() -> None:
    plan = planned(SCRIPT, speakers={"Wolf": {"voice": "wolf"}}, default={"voice": "granny"})
    assert plan.is_ready
    assert [item.how.voice for item in plan.items] == ["granny", "granny", "wolf", "granny"]


def test_unknown_voices_of_the_table_are_told_with_the_nearest() -> None:
    plan = planned("A: Hi.", speakers={"A": {"voice": "grany"}}, default={"voice": "xyzzy"})
    assert [str(each) for each in plan.problems] == [
        "speaker A: there is no voice 'grany' in this house; did you mean granny?",
        "the default speaker: there is no voice 'xyzzy' in this house; choose one from the list of voices",
    ]
    assert not plan.is_ready


def test_directions_are_followed_where_that_is_wanted_and_else_told() -> None:
    followed = planned(SCRIPT, default={"instruct": "calmly"}, follow_directions=True)
    assert [item.how.instruct for item in followed.items] == ["calmly", "calmly", "growling", "calmly"]
    left_out = planned(SCRIPT, default={})
    assert [item.how.instruct for item in left_out.items] == [None] * 4
    assert [each.where for each in left_out.problems] == ["line 4"]
    assert left_out.is_ready


def test_each_utterance_may_have_a_file_of_its_own() -> None:
    plan = planned(SCRIPT, default={}, separate=True)
    assert [item.file for item in plan.items] == ["0001-nobody", "0002-Red", "0003-Wolf", "0004-Red"]


def test_what_cannot_be_said_is_left_out_and_told() -> None:
    plan = planned("A: ...\nA: " + "x" * 10_001 + "\n[B]\nA: Yes.", default={})
    assert plan.is_ready
    assert [item.text for item in plan.items] == ["Yes."]
    assert [each.where for each in plan.problems] == ["line 1", "line 2"]


@pytest.mark.parametrize(
    ("data", "encoding"),
    [("\ufeffÄnna: Hé.".encode(), "utf-8"), ("Änna: Hé.".encode("utf-16"), "utf-16"), ("Änna: Hé.".encode(), "utf-8")],
)
def test_encodings_that_say_what_they_are_raise_no_doubts(data: bytes, encoding: str) -> None:
    plan = planned(data, default={})
    assert [(item.group, item.text) for item in plan.items] == [("Änna", "Hé.")]
    assert not plan.problems, encoding


@pytest.mark.parametrize("encoding", ["cp1252", "utf-16-le", "utf-16-be"])
def test_an_encoding_that_was_guessed_is_told(encoding: str) -> None:
    plan = planned("Änna: Hé, who is there?".encode(encoding), default={})
    assert [(item.group, item.text) for item in plan.items] == [("Änna", "Hé, who is there?")]
    assert [each.right for each in plan.problems] == ["if letters look wrong in what follows, save the file as UTF-8"]


@pytest.mark.parametrize(
    ("data", "error"),
    [
        (b"", NothingToSpeak),
        (b"\xef\xbb\xbf \r\n\t", NothingToSpeak),
        (b"\0" * 5000, NothingToSpeak),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + bytes(range(256)) * 20, MalformedInput),
        (b"Hello \x81\x8d\x8f", MalformedInput),
        (b"\xff\xfeA", MalformedInput),
        (b"a" * (16 * 1024 * 1024 + 1), LimitExceeded),
    ],
)
def test_what_is_no_text_is_refused(data: bytes, error: type[KoeError]) -> None:
    with pytest.raises(error):
        planned(data, default={})


def test_a_script_of_comments_has_nothing_to_speak() -> None:
    plan = planned("# nothing\n", default={})
    assert not plan.is_ready and plan.problems[-1].wrong == "there is nothing to speak"
