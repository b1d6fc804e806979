import pytest

from koe.core.languages import LANGUAGES
from koe.core.text.detect import detect, information


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("The light in the kitchen is on.", "en"),
        ("Good morning!", "en"),
        ("Let me check.", "en"),
        ("Ich sehe nach.", "de"),
        ("Das Licht ist an.", "de"),
        ("La lumière est allumée.", "fr"),
        ("La luz está encendida.", "es"),
        ("La luce è accesa.", "it"),
        ("A luz da sala está acesa.", "pt"),
        ("Свет включён.", "ru"),
        ("灯已经打开了。", "zh"),
        ("Home Assistant 已经打开了。", "zh"),
        ("電気をつけました。", "ja"),
        ("カーテン", "ja"),
        ("불을 켰습니다.", "ko"),
    ],
)
def test_a_sentence_shows_its_language(text: str, language: str) -> None:
    assert detect(text, LANGUAGES) == language


@pytest.mark.parametrize(
    "text", ["", "  ", "21", "21 °", "?!", "👋", "21 °C", "14:05", "14:05 Uhr", "OK.", "Sim.", "Done.", "Timer set."]
)
def test_no_evidence_is_no_language(text: str) -> None:
    assert detect(text, LANGUAGES) is None


def test_only_candidates_are_answered_as_they_were_given() -> None:
    assert detect("Das Licht ist an.", ["en-GB", "de-AT"]) == "de-AT"
    assert detect("東京", ["en", "ja"]) == "ja"
    assert detect("Свет", ["en", "de"]) is None
    assert detect("anything", ["ko"]) == "ko"
    assert detect("anything", []) is None


def test_a_quoted_kana_leaves_chinese_chinese() -> None:
    assert detect("日语里的「の」相当于中文里的助词，意思是所属关系。", LANGUAGES) == "zh"


def test_dense_scripts_say_more_in_fewer_characters() -> None:
    assert information("abc") == 3
    assert information("天気") == 6
