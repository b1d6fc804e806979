"""Text that is still arriving, as tokens that no later character can change, cut into generations at sentence ends."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from koe.core.text.boundaries import LOOK_AHEAD, MARK, Ending, judge

MAX_GENERATION = 600
"""Characters after which a generation ends even within a sentence: at the next white space."""

_LINE_ENDS = "\n\r\v\f\x85\u2028\u2029"


class Tokenizer(Protocol):
    """What is used of transformers' fast tokenizers."""

    backend_tokenizer: Any

    def encode(self, text: str, *, add_special_tokens: bool) -> list[int]: ...


class TokenFeed:
    """Characters in, token ids out. The ids of one text are the same however it is cut, and equal those of the whole.

    The tokenizer splits text into words before it looks for tokens, so a token is certain once its word is: the last
    word is held back, and with it the white space before it, which a line feed could still draw together.
    """

    def __init__(self, tokenizer: Tokenizer) -> None:
        self._encode = tokenizer.encode
        backend = tokenizer.backend_tokenizer
        self._normalise: Callable[[str], str] = backend.normalizer.normalize_str
        self._words: Callable[[str], list[tuple[str, tuple[int, int]]]] = backend.pre_tokenizer.pre_tokenize_str
        self._held = ""

    def feed(self, text: str) -> list[int]:
        """The ids that are certain now."""
        self._held += text
        normal = self._normalise(self._held)
        certain = self._certain(normal)
        if not certain:
            return []
        ids = self._ids(normal[:certain])
        self._held = normal[certain:]
        return ids

    def finish(self) -> list[int]:
        """The ids of what was held back; the feed then starts afresh."""
        rest, self._held = self._normalise(self._held), ""
        return self._ids(rest) if rest else []

    def _certain(self, text: str) -> int:
        """So many characters are whole words, whatever follows."""
        starts = [start for _, (start, _) in self._words(text)]
        while len(starts) > 1:
            start = starts.pop()
            if not text[start - 1].isspace():
                return start
        return 0

    def _ids(self, text: str) -> list[int]:
        # The names of special tokens are no words: "<|im_end|>" in a text must not end the prompt.
        return self._encode(text.replace("<|", "< |"), add_special_tokens=False)


@dataclass(frozen=True, slots=True)
class Cut:
    """What follows belongs to another generation."""


class GenerationCutter:
    """Text in, the same text out with cuts in it, as early as a cut can be decided; independent of the feeding.

    A generation ends at the first sentence end after `enough` characters, at a line end, or, where no sentence ends, at
    the first white space after MAX_GENERATION characters.
    """

    def __init__(self, enough: int, language: str | None = None) -> None:
        """`enough`: characters."""
        self._enough, self._language = enough, language
        self._text = ""
        """Of the generation at hand, from its beginning."""
        self._passed = 0
        self._searched = 0

    def feed(self, text: str) -> Sequence[str | Cut]:
        out: list[str | Cut] = []
        for character in text:
            self._add(character, out)
        return [*out, *self._pass(self._undecided())]

    @property
    def at_sentence_end(self) -> bool:
        """Whether the text so far could end here."""
        text = self._text.rstrip()
        marks = list(MARK.finditer(text))
        return (
            bool(marks) and marks[-1].end() == len(text) and judge(text, marks[-1], self._language) is Ending.SENTENCE
        )

    def finish(self) -> Sequence[str | Cut]:
        """The rest; the cutter then starts afresh."""
        out: list[str | Cut] = []
        if (end := self._sentence_end(final=True)) and self._text[end:].strip():
            self._cut_at(end, out)
        rest = self._pass(len(self._text))
        self._begin("")
        return [*out, *rest]

    def _add(self, character: str, out: list[str | Cut]) -> None:
        if character in _LINE_ENDS:
            self._cut_at(len(self._text), out)
            return
        if character.isspace():
            if not self._text or self._text[-1] == " ":
                return
            character = " "
        self._text += character
        if end := self._sentence_end(final=False):
            self._cut_at(end, out)
        elif character == " " and len(self._text) > MAX_GENERATION:
            self._cut_at(len(self._text), out)

    def _sentence_end(self, *, final: bool) -> int:
        """Where the generation may end; 0 where nobody can know yet."""
        while mark := MARK.search(self._text, self._searched):
            if not final and mark.end() + LOOK_AHEAD > len(self._text):
                return 0
            self._searched = mark.end()
            if mark.end() >= self._enough and judge(self._text, mark, self._language) is Ending.SENTENCE:
                return mark.end()
        return 0

    def _undecided(self) -> int:
        """So far the text is known to belong to this generation."""
        mark = MARK.search(self._text, self._searched)
        return len(self._text) if mark is None else mark.start()

    def _cut_at(self, end: int, out: list[str | Cut]) -> None:
        rest = self._text[end:].lstrip()
        if not self._text[:end].strip():
            self._begin(rest)
            return
        out += self._pass(end)
        out.append(Cut())
        self._begin(rest)

    def _begin(self, text: str) -> None:
        self._text, self._passed, self._searched = text, 0, 0

    def _pass(self, end: int) -> list[str | Cut]:
        passed = self._text[self._passed : end]
        self._passed = max(self._passed, end)
        return [passed] if passed else []
