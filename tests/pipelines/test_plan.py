import unicodedata
from contextlib import aclosing

import pytest
from hypothesis import given
from hypothesis import strategies as st

from koe.core.languages import LANGUAGES, best_match
from koe.core.pcm import duration
from koe.core.samples import sample
from koe.engine import SpeechOptions
from koe.engine.espeak import EspeakEngine
from koe.pipelines import plan_estimate
from koe.pipelines.plan_names import MOST_BYTES, Unique, safe_name, without_ending

IN_KANA = "きょうわとてもいいてんきですね、まどをあけましょうか。ゆうしょくができたら、すぐにおしらせします。"


async def test_the_estimate_is_what_espeak_takes() -> None:
    engine = EspeakEngine()
    await engine.start()
    try:
        for language in LANGUAGES:
            text = sample(language)
            took = await spoken_seconds(engine, language, IN_KANA if language == "ja" else text)
            assert plan_estimate.seconds(text, language) == pytest.approx(took, rel=0.1), language
    finally:
        await engine.stop()


async def spoken_seconds(engine: EspeakEngine, language: str, text: str) -> float:
    tag = best_match(language, [voice.languages[0] for voice in engine.voices()])
    voice = next(voice for voice in engine.voices() if voice.languages[0] == tag)
    async with aclosing(engine.open(voice, SpeechOptions(language=tag))) as stream:
        stream.feed(text)
        stream.finish()
        return duration(sum([len(pcm) async for pcm in stream]), stream.sample_rate)


def test_the_pace_of_an_unknown_language_is_told_by_its_script() -> None:
    assert plan_estimate.pace("今天的天气真好", None) == plan_estimate.pace("", "zh-CN")
    assert plan_estimate.pace("Hello", None) == plan_estimate.pace("", "nl") == plan_estimate.pace("", "en")


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Wer ist da?", "Wer-ist-da"),
        ("山田 太郎", "山田-太郎"),
        ("../../etc/passwd", "etc-passwd"),
        ("C:\\x\0y\n", "C-x-y"),
        ("con", "con_"),
        ("LPT1.txt", "LPT1.txt_"),
        (".hidden.", "hidden"),
        ("?!", "line"),
        ("", "line"),
        ("A\u0308", "Ä"),
    ],
)
def test_names_are_safe_on_every_system(text: str, name: str) -> None:
    assert safe_name(text, "line") == name


@given(st.text())
def test_any_text_makes_a_safe_name(text: str) -> None:
    name = safe_name(text, "line")
    assert 0 < len(name.encode()) <= MOST_BYTES + 1
    assert not set(name) & set('/\\:*?"<>|\0 ') and name.strip(".-") == name
    assert not any(unicodedata.category(each) in ("Cc", "Cs") for each in name)


def test_the_ending_is_left_to_whoever_writes_the_file() -> None:
    assert [without_ending(name) for name in ("a.WAV", "a.b.mp3", "v1.2", "wav")] == ["a", "a.b", "v1.2", "wav"]


@given(st.lists(st.sampled_from(["a", "A", "a-2", "a-3", "b", "ａ"]), max_size=30))
def test_no_name_is_given_twice_whatever_the_system_takes_for_the_same(names: list[str]) -> None:
    unique = Unique()
    given_out = [unique.take(name, number) for number, name in enumerate(names, start=1)]
    keys = [unicodedata.normalize("NFKC", name).casefold() for name in given_out]
    assert len(set(keys)) == len(keys)
    assert given_out[:1] == names[:1]
