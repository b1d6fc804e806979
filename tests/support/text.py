"""Normaliser and Segmenter together, as the Speaker uses them for an engine without live text."""

from collections.abc import Iterable, Sequence

from koe.core.languages import LANGUAGES
from koe.core.text.normalise import Normaliser
from koe.core.text.parts import Part, TextFormat
from koe.core.text.segment import MAX_CHARACTERS, MAX_FIRST, Segmenter


class TextPipeline:
    """Normaliser and Segmenter as one; the result is the same wherever the chunks were cut."""

    def __init__(
        self,
        language: str | None = None,
        text_format: TextFormat = "text",
        *,
        candidates: Sequence[str] = LANGUAGES,
        fallback: str | None = None,
        max_characters: int = MAX_CHARACTERS,
        max_first: int = MAX_FIRST,
    ) -> None:
        self._normaliser = Normaliser(language, candidates, text_format, fallback)
        self._segmenter = Segmenter(max_characters, max_first)

    @property
    def language(self) -> str | None:
        """The language of the text; None while it is not decided, or where nothing told it."""
        return self._normaliser.language

    def feed(self, text: str) -> list[Part]:
        """The segments and pauses that are certain now. InvalidSsml as `SsmlReader`."""
        return self._segment(self._normaliser.feed(text))

    def finish(self) -> list[Part]:
        """The rest; the pipeline is not fed again."""
        return self._segment(self._normaliser.finish()) + self._segmenter.finish()

    def _segment(self, parts: Iterable[Part]) -> list[Part]:
        return [segment for part in parts for segment in self._segmenter.feed(part)]
