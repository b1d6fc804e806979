import pytest

from koe.core.text.cut import LIMIT, Cutter
from koe.core.text.normalise import Normaliser
from koe.core.text.parts import Part, Pause, Speech


def parts(text: str, normaliser: Normaliser) -> list[Part]:
    return normaliser.feed(text) + normaliser.finish()


def spoken(text: str, language: str | None = "en") -> str:
    return "".join(part.text if isinstance(part, Speech) else "_" for part in parts(text, Normaliser(language)))


def cuts(text: str) -> list[str]:
    cutter = Cutter()
    return [piece.text for piece in cutter.feed(text) + cutter.finish()]


@pytest.mark.parametrize(
    "expression",
    [
        "21.5 °C",
        "March 3, 2025",
        "3 de marzo",
        "the 3rd of March 2025",
        "1 234,5 kWh",
        "10 km/h",
        "5 × 3",
        "€ 5",
        "10 – 12",
        "z. B.",
        "d. h.",
        "Dr. No",
        "e. g. this",
        "J. R. R. Tolkien",
        "[open link text](https://koe.example/a)",
        '[text](https://koe.example "a title")',
        "[pause: 1 s]",
        "<a href='https://koe.example' title='one two'>",
        "- item",
        "# Heading",
        "1. First",
    ],
)
def test_an_expression_is_never_cut(expression: str) -> None:
    assert any(expression in piece for piece in cuts(f"word {expression} word word word"))


def test_plain_words_are_released_one_by_one() -> None:
    assert cuts("The light is on") == ["The", "light", "is", "on"]
    assert cuts("今天，我们去公园。好") == ["今天，", "我们去公园。", "好"]
    assert [part.text for part in Normaliser("en").feed("The light is") if isinstance(part, Speech)] == [
        "The",
        " light",
    ]


def test_an_open_bracket_is_given_up_at_the_line_end_and_at_the_limit() -> None:
    assert cuts("an [open bracket\nis no link") == ["an [open bracket", "is", "no", "link"]
    assert [len(piece) for piece in cuts("[" + "word " * 81)] == [LIMIT - 5, 4, 4]


def test_white_space_is_single_and_never_first_or_doubled() -> None:
    assert spoken("  \n one \u00a0 two 👋 three\t\n\n\n four \n") == "one two three\nfour"


def test_pauses_and_breaks_need_no_space_around_them() -> None:
    assert spoken("one [pause:1s] two<br>\n\nthree") == "one_two\nthree"
    assert spoken("[pause:1s] \n\n two") == "_two"


def test_figures_are_spoken_in_the_language() -> None:
    assert "twenty-one" in spoken("It is 21 degrees.")
    assert "21" in spoken("Es ist 21 Grad.", language="xx")


def test_a_figure_that_opens_a_sentence_is_capitalised() -> None:
    assert spoken("It is on. 5 lights? 6 (no. 7!) are off.") == "It is on. Five lights? Six (number seven!) are off."


def test_a_sentence_may_end_before_a_figure_but_no_abbreviation() -> None:
    assert cuts("It is on. 5 lights are approx. 7 m from no. 8") == [
        *("It", "is", "on.", "5 lights", "are", "approx. 7 m from", "no. 8"),
    ]


def test_ssml_is_verbalised_but_no_markdown() -> None:
    normaliser = Normaliser("en", text_format="ssml")
    result = parts("<speak>*5* <lang xml:lang='nl'>hallo</lang><break time='1s'/></speak>", normaliser)
    assert result == [Speech("*five*", "en"), Speech(" hallo", "nl"), Pause(1.0)]


def test_the_language_is_detected_from_words_that_leave_no_doubt_and_kept() -> None:
    normaliser = Normaliser(None, ["en-US", "de-DE"])
    assert normaliser.feed("Das Licht ") == []
    assert normaliser.language is None
    fed = normaliser.feed("im Flur ist an. The ") + normaliser.feed("end of it.")
    assert {part.language for part in fed if isinstance(part, Speech)} == {"de-DE"}
    assert normaliser.language == "de-DE"


def test_a_doubtful_beginning_waits_for_the_end_of_its_sentence() -> None:
    normaliser = Normaliser(None, ["es-ES", "pt-BR"])
    assert normaliser.feed("La casa de Ana es una ") == []
    assert normaliser.feed("casa grande. Y ")
    assert normaliser.language == "es-ES"


def test_a_long_sentence_does_not_delay_the_decision() -> None:
    normaliser = Normaliser()
    normaliser.feed("The light in the kitchen is on and the light in the hall is off and so it goes on")
    assert normaliser.language == "en"


def test_without_evidence_the_fallback_speaks() -> None:
    undecided, fallen_back = Normaliser(), Normaliser(fallback="fr")
    assert parts("OK.", undecided) == [Speech("OK.", None)]
    assert parts("OK.", fallen_back) == [Speech("OK.", "fr")]
    assert (undecided.language, fallen_back.language) == (None, "fr")


@pytest.mark.parametrize("text", ["21 °C", "14:05", "OK.", "Done.", "Timer set."])
@pytest.mark.parametrize("house", ["en", "de", "ja"])
def test_a_text_without_evidence_is_read_in_the_language_of_the_house(text: str, house: str) -> None:
    normaliser = Normaliser(None, ["it", "zh", "en", "de", "ja"], fallback=house)
    assert {part.language for part in parts(text, normaliser) if isinstance(part, Speech)} == {house}


def test_a_text_without_evidence_is_read_in_the_language_of_the_request() -> None:
    normaliser = Normaliser("de", ["it", "en", "de"], fallback="en")
    assert {part.language for part in parts("Done.", normaliser) if isinstance(part, Speech)} == {"de"}


def test_of_two_candidates_of_one_language_it_is_that_of_the_house() -> None:
    normaliser = Normaliser(None, ["en-US", "en-GB", "de-DE"], fallback="en-GB")
    parts("The light is on.", normaliser)
    assert normaliser.language == "en-GB"


def joined(parts: list[Part]) -> list[tuple[str, str | None]]:
    """Runs of one language."""
    runs: list[tuple[str, str | None]] = []
    for part in parts:
        assert isinstance(part, Speech)
        text, language = runs.pop() if runs and runs[-1][1] == part.language else ("", part.language)
        runs.append((text + part.text, language))
    return runs


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Let me check. ", "en"),
        ("Let me check.", "en"),
        ("Let me check.\n\n", "en"),
        ("The door is open. ", "en"),
        ("**Will do!** ", "en"),
        ("好的，我来看看。", "zh"),
        ("Ich sehe nach. ", "de"),
        ("OK. ", "en"),
    ],
)
@pytest.mark.parametrize("known", [True, False])
def test_a_sentence_before_a_pause_is_released_and_ended(text: str, language: str, known: bool) -> None:
    normaliser = Normaliser(language if known else None, ["de", "en", "zh"], fallback="en")
    fed = normaliser.feed(text)
    assert joined(fed + normaliser.pause()) == [(text.strip(" *\n") + "\n", language)]
    assert normaliser.pause() == []


@pytest.mark.parametrize(
    "text", ["", "Let me", "Dr. ", "Let me check [this. ", "See z. B. ", "```python\nprint('Done!')\n", "am 3. "]
)
def test_a_pause_within_a_sentence_changes_nothing(text: str) -> None:
    paused, other = Normaliser(None, ["de", "en"], fallback="en"), Normaliser(None, ["de", "en"], fallback="en")
    rest = " and [so](https://koe.example) on.\n```\nIt is the end."
    before = paused.feed(text)
    assert paused.pause() == []
    assert before + paused.feed(rest) + paused.finish() == other.feed(text) + other.feed(rest) + other.finish()


def test_what_was_no_evidence_before_a_pause_does_not_decide_the_language_of_the_rest() -> None:
    normaliser = Normaliser(None, ["en", "de"], fallback="en")
    released = normaliser.feed("OK. ") + normaliser.pause()
    assert normaliser.language is None
    released += parts("Das Licht im Flur ist an.", normaliser)
    assert joined(released) == [("OK.\n", "en"), ("Das Licht im Flur ist an.", "de")]


def test_a_language_that_was_plain_before_a_pause_is_kept() -> None:
    normaliser = Normaliser(None, ["en", "de"], fallback="en")
    released = normaliser.feed("Ich sehe nach. ") + normaliser.pause() + parts("OK.", normaliser)
    assert joined(released) == [("Ich sehe nach.\nOK.", "de")]


def test_in_ssml_a_pause_ends_the_sentence_before_the_last_tag() -> None:
    normaliser = Normaliser(None, ["en", "de"], text_format="ssml", fallback="en")
    fed = normaliser.feed("<speak><p>Let me check.</p> ")
    assert joined(fed + normaliser.pause()) == [("Let me check.\n", "en")]
    assert joined(normaliser.feed("It is on.</speak>") + normaliser.finish()) == [("It is on.", "en")]


def test_a_single_candidate_needs_no_detection() -> None:
    assert Normaliser(None, ["it"]).feed("OK va") == [Speech("OK", "it")]


def test_ssml_that_names_its_language_needs_no_decision() -> None:
    normaliser = Normaliser(text_format="ssml")
    assert normaliser.feed("<speak xml:lang='de'>Licht an") == [Speech("Licht", "de")]


def test_what_waits_for_a_decision_is_bounded() -> None:
    normaliser = Normaliser(text_format="ssml")
    normaliser.feed("<speak>21 <lang xml:lang='de'>")
    assert len(normaliser.feed("wort " * 200)) > 100


def test_a_number_may_end_a_sentence_before_a_pause_where_it_is_no_ordinal() -> None:
    for language, held in (("de", True), ("en", False)):
        normaliser = Normaliser(language, [language])
        assert normaliser.feed("7:30.") == []
        assert (normaliser.pause() == []) is held
