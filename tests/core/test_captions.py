"""Words as captions."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from koe.core.captions import LINE, captions
from koe.core.words import TimedWord, written

TEXT = (
    "The laundry is done, and the windows in the kitchen are still open. Good morning everybody! It is going to rain "
    "this afternoon, so please take an umbrella with you whenever you leave the house today."
)


def said(text: str, each: float = 0.3, gap: float = 0.0) -> list[TimedWord]:
    step = each + gap
    words = enumerate(written(text))
    return [TimedWord(word.word, at * step, at * step + each, word.first, word.last) for at, word in words]


def test_a_caption_is_a_sentence_or_what_fits_in_two_lines() -> None:
    found = captions(said(TEXT))
    assert [each.lines for each in found] == [
        ("The laundry is done, and the windows", "in the kitchen are still open."),
        ("Good morning everybody!",),
        ("It is going to rain this afternoon, so", "please take an umbrella with you whenever"),
        ("you leave the house today.",),
    ]


def test_a_pause_ends_a_caption() -> None:
    words = said("Well then", gap=0.8)
    assert [each.lines for each in captions(words)] == [("Well",), ("then",)]
    assert [(each.start, round(each.end, 2)) for each in captions(words)] == [(0.0, 1.0), (1.1, 2.1)]


def test_where_two_speak_at_once_each_has_captions_of_their_own() -> None:
    one = [TimedWord("Come", 1.0, 1.5, 0, 4), TimedWord("here", 1.5, 2.5, 5, 9)]
    other = [TimedWord("Not", 0.5, 1.2, 10, 13), TimedWord("now", 1.4, 2.0, 14, 17)]
    found = captions(sorted([*one, *other], key=lambda word: word.start))
    assert [(each.lines, each.start, each.end) for each in found] == [
        (("Not now",), 0.5, 2.0),
        (("Come here",), 1.0, 2.5),
    ]


@given(
    st.text(alphabet=st.sampled_from("ab 。.我,\n'"), max_size=300),
    st.floats(0.01, 3.0),
    st.floats(0.0, 2.0),
)
def test_no_word_is_lost_and_no_caption_overlaps(text: str, each: float, gap: float) -> None:
    words = said(text, each, gap)
    found = captions(words)
    shown = "".join("".join(caption.lines) for caption in found)
    assert shown.replace(" ", "") == "".join(word.word for word in words)
    assert all(before.end <= after.start + 1e-9 for before, after in pairwise(found))
    longest = max((len(word.word) for word in words), default=0)
    assert all(len(caption.lines) <= 2 or longest > LINE // 2 for caption in found)
    assert all(len(line) <= LINE for caption in found for line in caption.lines)
