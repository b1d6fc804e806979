import pytest

from koe.core.text.parts import Part, Pause, Speech
from koe.core.text.segment import MAX_CHARACTERS, MAX_FIRST, Segmenter
from tests.support.text import TextPipeline

PREFACE = "This is the very first sentence."


def segments(text: str, language: str | None = "en") -> list[str]:
    segmenter = Segmenter()
    parts = segmenter.feed(Speech(text, language)) + segmenter.finish()
    return [part.text for part in parts if isinstance(part, Speech)]


SENTENCES = {
    "en": [
        "The light in the kitchen is on.",
        "Did you hear that, Dr. Smith?",
        "It belongs to J. R. Smith of the U.S. Army!",
        "He lives at St. James, e.g. in No. 5, approx. 3.5 miles away.",
        'She said: "I will not go there."',
        "(Nobody had asked for it, i.e. nobody.)",
        "We wait… and wait... and then?!",
        "We meet at 5 p.m. on Monday at home.example.",
        "So you know that as well as I.",
        'He cried "Stop! Wait!" and ran away.',
    ],
    "de": [
        "Das Licht in der Küche ist an.",
        "Herr Dr. Müller kommt z. B. am 3. Mai um 5 Uhr.",
        "Das sind z.B. ca. 21,5 Grad, d. h. es ist warm.",
        "„Wann kommst du denn nach Hause?“",
        "»Heute komme ich gar nicht mehr.«",
        "Die Nr. 5 u. a. liegt bzgl. Preis vorn!",
    ],
    "fr": [
        "La lumière de la cuisine est allumée.",
        "Bonjour M. Dupont, comment allez-vous ?",
        "« Venez donc avec nous ce soir ! »",
        "Des lampes, il y en a, oui il y en a.",
        "Attendez la rue St. Honoré, p. 5 !",
    ],
    "es": [
        "La luz de la cocina está encendida.",
        "¿Dónde vive ahora el Sr. López?",
        "¡Qué bonita es la Av. Central!",
        "Hace 21.5 grados en la sala, aprox. como ayer.",
    ],
    "it": ["La luce della cucina è accesa.", "Il sig. Rossi abita al n. 5 di via Roma."],
    "pt": ["A luz da cozinha está acesa.", "O Sr. Silva mora na Av. Brasil, n. 5."],
    "ru": [
        "Свет на кухне уже включён.",
        "А. С. Пушкин родился в г. Москве, т. е. здесь.",
        "Сколько сейчас времени на кухне?",
        "Это всё сделал один только я.",
    ],
    "zh": ["今天的天气真的非常好。", "我们一起去公园玩好吗？", "他说：“我不想去公园！”", "现在的温度是21.5度。"],
    "ja": ["今日はとても天気がいいですね。", "彼は「はい。」と言っていました。", "一緒に公園へ行きましょうか？"],
    "ko": ["오늘 날씨가 아주 좋습니다.", "지금 온도는 21.5도입니다!", "우리 같이 공원에 갈까요?"],
    "hi": ["रसोई की बत्ती अब जल रही है।", "क्या आप घर पर हैं आज?"],
    "ar": ["كيف حالك اليوم يا صديقي؟", "الضوء في المطبخ مضاء الآن."],
}


@pytest.mark.parametrize("language", SENTENCES)
def test_a_segment_is_a_sentence(language: str) -> None:
    sentences = SENTENCES[language]
    glue = "" if language in ("zh", "ja") else " "
    segmenter = Segmenter()
    segmenter.feed(Speech(f"{PREFACE}\n", "en"))  # from the second segment on, clauses aren't cut
    parts = segmenter.feed(Speech(glue.join(sentences), language)) + segmenter.finish()
    assert [part.text for part in parts if isinstance(part, Speech)] == sentences


def test_without_a_language_every_abbreviation_counts() -> None:
    assert segments("Herr Dr. Meier kommt z. B. heute. Mr. Smith came too, e.g. by bus.", None) == [
        "Herr Dr. Meier kommt z. B. heute.",
        "Mr. Smith came too, e.g. by bus.",
    ]


def test_the_first_segment_is_short() -> None:
    assert segments("Sure. I turned it on.") == ["Sure.", "I turned it on."]
    assert segments("Well, I turned on the lights, and then, of course, I left.") == [
        "Well, I turned on the lights,",
        "and then, of course, I left.",
    ]
    assert segments("今天天气很好，我们去公园，好吗？", "zh") == ["今天天气很好，", "我们去公园，好吗？"]


def test_figures_do_not_end_a_clause() -> None:
    assert (
        segments("The great day is March 3, 2025 at 10:30, I think.")[0] == "The great day is March 3, 2025 at 10:30,"
    )


def test_very_short_sentences_join_the_next_but_not_the_first() -> None:
    assert segments("Yes. No. Well. I turned on the lights. Bye.") == [
        "Yes.",
        "No. Well. I turned on the lights.",
        "Bye.",
    ]


def test_the_number_of_an_item_ends_no_sentence() -> None:
    assert segments("1. Open the door. 2. Close it.")[0] == "1. Open the door."


def test_line_ends_languages_and_pauses_end_a_segment() -> None:
    segmenter = Segmenter()
    given: list[Part] = [
        Speech("one\ntwo", "en"),
        Speech(" and", "en"),
        Speech("drei ", "de"),
        Pause(1.0),
        Speech("vier", "de"),
    ]
    result = [segment for part in given for segment in segmenter.feed(part)] + segmenter.finish()
    assert result == [
        Speech("one", "en"),
        Speech("two and", "en"),
        Speech("drei", "de"),
        Pause(1.0),
        Speech("vier", "de"),
    ]


def test_white_space_alone_changes_no_language() -> None:
    segmenter = Segmenter()
    parts = [Speech("one", "en"), Speech(" ", None), Speech("two", "en")]
    assert [segment for part in parts for segment in segmenter.feed(part)] + segmenter.finish() == [
        Speech("one two", "en")
    ]


@pytest.mark.parametrize("text", ["", "   ", "\n\n", "...", "?!", "— – -", "「」", "👋", "*" * 1000])
def test_what_has_no_sound_yields_nothing(text: str) -> None:
    assert segments(text) == []


def test_signs_without_a_sound_go_with_the_next_sentence() -> None:
    assert segments("... Hello there.") == ["... Hello there."]


def test_long_sentences_are_cut_at_a_clause_then_at_white_space_then_hard() -> None:
    first, second, *_ = segments(f"{'word ' * 31}word, {'word ' * 50}word; {'word ' * 90}")
    assert len(first) <= MAX_FIRST
    assert second.endswith(";")
    assert all(len(segment) <= MAX_CHARACTERS for segment in segments("word " * 1000))
    assert all(segment.endswith("word") for segment in segments("word " * 1000))
    assert [len(segment) for segment in segments("a" * 500)] == [
        MAX_FIRST,
        MAX_CHARACTERS,
        500 - MAX_FIRST - MAX_CHARACTERS,
    ]


def test_dense_scripts_are_cut_earlier() -> None:
    assert max(map(len, segments("好" * 500, "zh"))) == MAX_CHARACTERS // 3
    assert max(map(len, segments("好" * 500, None))) == MAX_CHARACTERS // 3


def test_a_sentence_is_released_when_the_next_begins() -> None:
    segmenter = Segmenter()
    assert segmenter.feed(Speech("The light is on. ", "en")) == []
    assert segmenter.feed(Speech("It", "en")) == [Speech("The light is on.", "en")]


def test_the_pipeline_speaks_before_the_text_ends() -> None:
    pipeline = TextPipeline("en")
    assert pipeline.feed("Sure, I **turned on** the lights, and the") == [Speech("Sure, I turned on the lights,", "en")]
    assert pipeline.language == "en"


def test_the_pipeline_cuts_where_it_is_told_to() -> None:
    pipeline = TextPipeline("en", max_characters=12, max_first=6)
    parts = pipeline.feed("one two three four five six") + pipeline.finish()
    assert parts == [Speech(text, "en") for text in ("one", "two three", "four five", "six")]


@pytest.mark.parametrize(
    ("language", "text", "expected"),
    [
        ("en", "It is on. 5 lights are still burning.", ["It is on.", "Five lights are still burning."]),
        ("en", "All left home at 5 p.m. They come back.", ["All left home at five PM.", "They come back."]),
        ("en", "All left home at 5 p.m. 3 lights are on.", ["All left home at five PM.", "Three lights are on."]),
        ("en", "They left at 5 p.m. on Monday.", ["They left at five PM on Monday."]),
        ("en", "They left at 5 p.m. Monday evening.", ["They left at five PM Monday evening."]),
        ("en", "Milk etc. are missing at home.", ["Milk et cetera are missing at home."]),
        ("en", "There is no milk etc. Then buy some.", ["There is no milk et cetera.", "Then buy some."]),
        ("de", "Wir treffen uns um 5. Gut, oder nicht?", ["Wir treffen uns um fünf.", "Gut, oder nicht?"]),
        ("de", "Der Termin ist am 3. Dann ist Urlaub.", ["Der Termin ist am dritten.", "Dann ist Urlaub."]),
        ("de", "Der Urlaub beginnt am 3.", ["Der Urlaub beginnt am dritten."]),
        ("es", "Es a las 10:30 a. m. Luego comemos.", ["Es a las diez y media de la mañana.", "Luego comemos."]),
        ("ru", "Нужен хлеб и т. д. Потом едем домой.", ["Нужен хлеб и так далее.", "Потом едем домой."]),
        ("ru", "Счёт на 12 руб. 50 коп. оплачен.", ["Счёт на двенадцать рублей пятьдесят копеек оплачен."]),
    ],
)
def test_what_ends_a_sentence_in_writing_ends_it_in_words(language: str, text: str, expected: list[str]) -> None:
    pipeline = TextPipeline(language)
    parts = pipeline.feed(text) + pipeline.finish()
    assert [part.text for part in parts if isinstance(part, Speech)] == expected
