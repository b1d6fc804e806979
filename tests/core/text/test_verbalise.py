"""What a house says, in ten languages, and what must hold for whatever else it says."""

import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from koe.core.text.verbalise import number_words, say_as, verbalise, warm

DATA = Path(__file__).parents[2] / "data" / "verbalise"
LANGUAGES = ("de", "en", "es", "fr", "it", "ja", "ko", "pt", "ru", "zh")
DIGITS = set("0123456789")


def rows(language: str) -> list[tuple[str, str]]:
    lines = (DATA / f"{language}.tsv").read_text(encoding="utf-8").splitlines()
    return [(written, spoken) for written, _, spoken in (line.partition("\t") for line in lines)]


TABLE = [(language, *row) for language in LANGUAGES for row in rows(language)]
languages = st.sampled_from(LANGUAGES)
ingredients = st.sampled_from(
    [
        *("1", "0", "21", "2026", "1.5", "1,5", ".", ",", ":", "-", "−", "–", "/", " ", "\u00a0", "°C", "%", "€", "$"),
        *("kWh", "h", "min", "am", "T", "+", "&", "#", "½", "º", "ª", "st", "Uhr", "november", "ноября", "года", "月"),
        *(
            "日",
            "시",
            "km/h",
            "第",
            "个",
            "번",
            "z. B.",
            "т. е.",
            "(",
            ")",
            "'",
            "A",
            "in",
            "²",
            "٣",
            "９",
            "EUR",
            "No.",
        ),
    ]
)
sentences = st.lists(ingredients, max_size=14).map("".join)


@pytest.mark.parametrize(("language", "written", "spoken"), TABLE)
def test_a_sentence_of_the_house_is_read_as_people_read_it(language: str, written: str, spoken: str) -> None:
    assert verbalise(written, language) == spoken


@pytest.mark.parametrize(("language", "written", "spoken"), TABLE)
def test_words_are_left_alone(language: str, written: str, spoken: str) -> None:
    assert verbalise(spoken, language) == spoken


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_has_twenty_sentences(language: str) -> None:
    assert len(rows(language)) >= 20


@pytest.mark.parametrize(
    ("language", "written", "spoken"),
    [
        ("en-US", "11/21/2026", "November twenty-first, twenty twenty-six"),
        ("en-GB", "21/11/2026", "the twenty-first of November, twenty twenty-six"),
        ("en-GB", "on the 21st November", "on the twenty-first of November"),
        ("en-GB", "101 km", "one hundred and one kilometres"),
        ("en-US", "101 km", "one hundred one kilometers"),
        ("pt-BR", "16 R$", "dezesseis reais"),
        ("pt-PT", "16 €", "dezasseis euros"),
        ("pt-PT", "1 de maio", "um de maio"),
        ("fr-CH", "71 CHF", "septante et un francs"),
        ("es-MX", "el 1 de mayo", "el primero de mayo"),
        ("de_AT", "1 kWh", "eine Kilowattstunde"),
        ("zh-Hant-TW", "2公里", "两公里"),
    ],
)
def test_regions_differ(language: str, written: str, spoken: str) -> None:
    assert verbalise(written, language) == spoken


@pytest.mark.parametrize(
    ("language", "written", "spoken"),
    [
        ("nl", "21,5 °C en 5 kWh", "21,5 graden Celsius en 5 kilowattuur"),
        ("pl", "2 min, 5 min, 4,50 €", "2 minuty, 5 minut, 4,50 euro"),
        ("sv", "€ 5", "5 euro"),
        ("xx", "21,5 °C", "21,5 °C"),
        ("", "21,5 °C", "21,5 °C"),
        ("../etc", "21,5 °C", "21,5 °C"),
    ],
)
def test_other_languages_keep_their_digits(language: str, written: str, spoken: str) -> None:
    assert verbalise(written, language) == spoken


@pytest.mark.parametrize(
    ("text", "interpret_as", "format", "spoken"),
    [
        ("21", "cardinal", "", "twenty-one"),
        ("-21", "number", "", "minus twenty-one"),
        ("21", "ordinal", "", "twenty-first"),
        ("2nd", "ordinal", "", "second"),
        ("4711", "digits", "", "four seven one one"),
        ("555-1234", "telephone", "", "five five five, one two three four"),
        ("A1", "characters", "", "A, one"),
        ("TV", "spell-out", "", "T, V"),
        ("11/12/2026", "date", "mdy", "November twelfth, twenty twenty-six"),
        ("11/12/2026", "date", "dmy", "December eleventh, twenty twenty-six"),
        ("2026-11-12", "date", "ymd", "November twelfth, twenty twenty-six"),
        ("11/12", "date", "md", "November twelfth"),
        ("2026", "date", "y", "twenty twenty-six"),
        ("99/99/9999", "date", "mdy", "ninety-nine/ninety-nine/nine thousand nine hundred ninety-nine"),
        ("2:30pm", "time", "", "two thirty PM"),
        ("5 km", "unit", "", "five kilometers"),
        ("$5", "currency", "", "five dollars"),
        ("5 km", "no such kind", "", "five kilometers"),
        ("no number", "cardinal", "", "no number"),
    ],
)
def test_say_as_believes_what_it_is_told(text: str, interpret_as: str, format: str, spoken: str) -> None:
    assert say_as(text, interpret_as, "en", format) == spoken


def test_number_words_of_every_language_and_of_none() -> None:
    assert number_words(21, "fr") == "vingt et un"
    assert number_words(-2, "de") == "minus zwei"
    assert number_words(21, "xx") == "21"


@pytest.mark.parametrize("language", LANGUAGES)
def test_plain_text_comes_back_as_it_is(language: str) -> None:
    text = "  No figures, no signs —\tnothing to say.\n"
    assert verbalise(text, language) == text


@given(st.text(max_size=60) | sentences, languages | st.text(max_size=8))
@settings(max_examples=400)
def test_nothing_makes_it_raise(text: str, language: str) -> None:
    verbalise(text, language)


@given(sentences, st.sampled_from(["cardinal", "ordinal", "digits", "characters", "date", "time", ""]), languages)
@settings(max_examples=200)
def test_nothing_makes_say_as_raise(text: str, interpret_as: str, language: str) -> None:
    say_as(text, interpret_as, language, "dmy")


@given(sentences, languages)
@settings(max_examples=400)
def test_no_digit_survives(text: str, language: str) -> None:
    assert not DIGITS & set(verbalise(text, language))


@given(st.integers(min_value=0, max_value=10**18), languages)
@settings(max_examples=100)
def test_a_number_is_words_and_says_the_same_alone_and_in_a_text(value: int, language: str) -> None:
    assert verbalise(f"({value})", language) == f"({number_words(value, language)})"


@given(st.text(alphabet=" \t\n\u00a0"), st.text(alphabet=" \t\n"), languages)
@settings(max_examples=50)
def test_white_space_around_stays(before: str, after: str, language: str) -> None:
    spoken = verbalise(f"{before}5{after}", language)
    assert spoken.startswith(before)
    assert spoken.endswith(after)


@pytest.mark.parametrize("language", ["de", "en", "nl", "ru", "zh"])
@pytest.mark.parametrize(
    "piece",
    [
        *("1", " ", ".", "-", "1.", "1,", "1-", "1 ", "1:", "+", "$", "z.", "1 h", "0 ", "°", "½"),
        *("1*", "1 * ", "1.-", "1. ", "etc. ", "5 p.m. ", "m/100 ", "5–"),
    ],
)
def test_time_is_linear_in_the_text(language: str, piece: str) -> None:
    """Ten times the text may take ten times as long, thrice over for noise; quadratic would be a hundred."""
    warm(language)
    verbalise(piece * 200, language)
    short, long = _seconds(piece * 500, language), _seconds(piece * 5000, language)
    assert long < 30 * short + 0.05


def _seconds(text: str, language: str) -> float:
    """Of work: what others on this machine do meanwhile doesn't count."""
    start = time.thread_time()
    verbalise(text, language)
    return time.thread_time() - start


@pytest.mark.parametrize("character", ["1", " ", ".", "0", ","])
def test_a_hundred_thousand_characters_are_read(character: str) -> None:
    spoken = verbalise(character * 100_000, "en")
    assert len(spoken) >= 100_000
