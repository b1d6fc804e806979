"""When each word of a run is said, as `words.json` keeps it."""

from typing import Annotated, Literal

from pydantic import Field

from koe.storage.meta import FileName, Record


class Word(Record):
    word: Annotated[str, Field(examples=["laundry"])]
    """As it is written, with the punctuation that touches it; several words where they are spoken as one (`21 °C`)."""

    start: Annotated[float, Field(ge=0, examples=[0.12])]
    """Seconds from the start of the file."""

    end: Annotated[float, Field(ge=0, examples=[0.48])]
    characters: Annotated[tuple[int, int], Field(examples=[[4, 11]])]
    """Where it stands in the text: the first character, and the one behind the last (Unicode code points)."""


class FileWords(Record):
    file: Annotated[FileName, Field(examples=["audio.wav"])]
    text: Annotated[str, Field(examples=["The laundry is done."])]
    """What is said in this file."""

    words: tuple[Word, ...]
    """In the order of their times."""


class Words(Record):
    schema_version: Literal[1] = 1
    koe: str
    """The version that timed them."""

    aligner: Annotated[str, Field(examples=["pocketsphinx"])]
    language: Annotated[str, Field(examples=["en"])] | None
    """BCP-47 tag; null where there are several."""

    files: tuple[FileWords, ...]
    """In a production also the one with everything in it, where there is one."""
