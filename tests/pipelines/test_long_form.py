import io
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from koe.core.errors import KoeError, LimitExceeded, MalformedInput, NothingToSpeak
from koe.core.text.detect import information
from koe.pipelines.long_form import LongFormKind, LongFormOptions, plan_long_form
from koe.pipelines.long_form_chapters import Chapter, markdown_chapters, plain_chapters, plain_paragraphs
from koe.pipelines.long_form_parts import MOST_CHARACTERS, parts
from koe.pipelines.plan import Plan

VOICES = ["espeak-en", "granny"]

TEXT = """The Lighthouse

Chapter 1

It was dark. Nobody
had lit the lamp.

"Who is there?" she asked.

Chapter II: The Letter

Chapter by chapter the story went on.

EPILOGUE

The end.
"""

WORDS = st.lists(st.text("abcdefgh", min_size=1, max_size=12), min_size=1, max_size=30).map(" ".join)
SENTENCE = st.builds(lambda words, end: words.capitalize() + end, WORDS, st.sampled_from([".", "!", "?", ' ("yes").']))
DENSE = st.builds(
    lambda words, end: words + end, st.text("天地人山川日月", min_size=1, max_size=60), st.sampled_from("。！？")
)


def planned(text: str | bytes, kind: str = "txt", **options: Any) -> Plan:
    data = text.encode() if isinstance(text, str) else text
    return plan_long_form(io.BytesIO(data), LongFormKind(kind), LongFormOptions.model_validate(options), VOICES)


def words(text: str) -> str:
    return "".join(text.split())


@given(st.text(max_size=3000))
def test_no_character_is_lost_or_doubled(text: str) -> None:
    assert words("".join(parts(text))) == words(text)


@given(
    st.text(alphabet=st.sampled_from('aB.!?,;:"()-… \n1。、「」'), max_size=3000), st.sampled_from([None, "en", "ja"])
)
def test_no_sign_is_lost_or_doubled(text: str, language: str | None) -> None:
    assert words("".join(parts(text, language))) == words(text)


@given(st.lists(SENTENCE, min_size=1, max_size=40))
def test_a_part_holds_whole_sentences_and_is_not_too_long(sentences: list[str]) -> None:
    made = parts(" ".join(sentences), "en")
    assert " ".join(made) == " ".join(sentences)
    assert all(len(part) <= MOST_CHARACTERS for part in made)
    ends = {part.split()[-1] for part in made}
    assert ends <= {sentence.split()[-1] for sentence in sentences}


@given(st.lists(DENSE, min_size=1, max_size=40))
def test_a_part_in_chinese_is_as_long_as_it_is_in_time(sentences: list[str]) -> None:
    made = parts("".join(sentences), "zh")
    assert "".join(made) == "".join(sentences)
    assert all(information(part) <= MOST_CHARACTERS and part[-1] in "。！？" for part in made)


def test_a_sentence_that_is_too_long_is_cut_at_a_clause_or_between_words() -> None:
    made = parts("and so on, " * 100 + "it ends. Then another one.", "en")
    assert all(len(part) <= MOST_CHARACTERS for part in made)
    assert all(part.endswith(",") for part in made[:-2])
    assert max(map(len, parts("x" * 5000))) <= MOST_CHARACTERS


def test_no_part_is_a_short_sentence_without_need() -> None:
    made = parts("This sentence has forty-two characters now. " * 10 + "Yes.", "en")
    assert min(map(len, made)) > 150


def test_chapters_of_a_plain_text_begin_at_lines_of_their_own() -> None:
    assert plain_chapters(TEXT) == [
        Chapter("", ("The Lighthouse",)),
        Chapter("Chapter 1", ("Chapter 1", "It was dark. Nobody\nhad lit the lamp.", '"Who is there?" she asked.')),
        Chapter("Chapter II: The Letter", ("Chapter II: The Letter", "Chapter by chapter the story went on.")),
        Chapter("EPILOGUE", ("EPILOGUE", "The end.")),
    ]


@pytest.mark.parametrize(
    "line", ["Kapitel 3", "3. Kapitel", "Chapitre IV", "Capítulo 5 - El mar", "第三章 海", "제 2 장", "Глава 7"]
)
def test_chapters_are_known_in_other_languages(line: str) -> None:
    assert [each.title for each in plain_chapters(f"A.\n\n{line}\n\nB.")] == ["", line]


def test_without_blank_lines_a_paragraph_ends_with_a_sentence() -> None:
    assert plain_paragraphs("It was\r\ndark.\r\nNobody came.\r\nChapter 2\r\nYes") == [
        "It was\ndark.",
        "Nobody came.",
        "Chapter 2",
        "Yes",
    ]


def test_markdown_is_read_without_its_signs_code_and_pictures() -> None:
    text = """---
title: x
---
# The *book*

Some **bold** text with [a link](https://koe.example), `code`
and ![a picture](x.png)more.

## One

- first
- second

```python
print()
```

### Deeper

| a | b |
|---|---|
| c | d |

<div>html</div>
"""
    assert markdown_chapters(text, 2) == [
        Chapter("The book", ("The book", "Some bold text with a link, code\nand more.")),
        Chapter("One", ("One", "first", "second", "Deeper", "a", "b", "c", "d")),
    ]
    assert [each.title for each in markdown_chapters(text, 1)] == ["The book"]


def test_a_chapter_is_a_file_and_silence_tells_what_ended() -> None:
    sentence = "This sentence has forty-two characters now. "
    plan = planned(
        f"Chapter 1\n\n{sentence * 12}\n\nShort.\n\nChapter 2\n\n***\n\nEnd.",
        how={"voice": "granny", "language": "en"},
        sentence_gap=0.1,
        paragraph_gap=0.5,
        chapter_gap=3,
    )
    assert plan.is_ready
    assert [(item.file, item.group, item.pause_after) for item in plan.items] == [
        ("001-Chapter-1", "Chapter 1", 0.5),
        ("001-Chapter-1", "Chapter 1", 0.1),
        ("001-Chapter-1", "Chapter 1", 0.5),
        ("001-Chapter-1", "Chapter 1", 3),
        ("002-Chapter-2", "Chapter 2", 0.5),
        ("002-Chapter-2", "Chapter 2", 3),
    ]


def test_chapters_can_be_chosen_by_their_numbers() -> None:
    assert [item.text for item in planned(TEXT, only=[1, 4]).items] == ["The Lighthouse", "EPILOGUE", "The end."]
    plan = planned(TEXT, only=[9])
    assert not plan.is_ready
    assert str(plan.problems[0]) == "there is no chapter 9; choose from chapters 1 to 4"


def test_ids_of_what_was_not_changed_stay() -> None:
    before, after = (planned(TEXT.replace("dark", word)).items for word in ("dark", "light"))
    changed = [item.text for item, other in zip(before, after, strict=True) if item.id != other.id]
    assert changed == ["It was dark. Nobody had lit the lamp."]


@pytest.mark.parametrize("kind", ["txt", "md"])
@pytest.mark.parametrize(
    ("data", "error"),
    [
        (b"", NothingToSpeak),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + bytes(range(256)) * 20, MalformedInput),
        (b"x" * (16 * 1024 * 1024 + 1), LimitExceeded),
    ],
)
def test_what_is_no_text_is_refused(kind: str, data: bytes, error: type[KoeError]) -> None:
    with pytest.raises(error):
        planned(data, kind)


def test_a_text_without_words_has_nothing_to_speak() -> None:
    plan = planned("***\n\n---\n")
    assert not plan.is_ready and plan.problems[-1].wrong == "there is nothing to speak"


@pytest.mark.parametrize("filler", ["a", "a ", "-", "字", "A. ", "\n", " \n", "chapter ", "a\n", '"', "\x85"])
def test_very_long_lines_take_no_longer_than_they_are(filler: str) -> None:
    planned(f"Hello.\n\n{filler * 200_000}")


@pytest.mark.parametrize("filler", ["**a ", "[", "![", "`", "<a ", "- ", "> ", "a|b\n", "[a](", "<!--"])
def test_no_markdown_keeps_it_busy(filler: str) -> None:
    planned(f"Hello.\n\n{filler * 5_000}", "md")
