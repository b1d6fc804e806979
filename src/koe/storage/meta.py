"""What is written about a run: `meta.json`, which never changes, and `flags.json`, which people change.

`words.json` is made later, where somebody wants it: koe.storage.words.
"""

from datetime import datetime
from pathlib import Path
from typing import Annotated, Literal, TypeVar

from pydantic import AfterValidator, AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from koe.core.errors import MalformedInput
from koe.core.profile import Sampling

INPUT, META, FLAGS, WORDS = "input.json", "meta.json", "flags.json", "words.json"

_MAX_BYTES = 64 * 1024 * 1024
"""Of one of these files: ten million characters, the longest text that settings allow, take less."""

_WORD = r"\w[\w-]*(\.[\w-]+)*"
FileName = Annotated[str, Field(pattern=rf"^({_WORD}/)?{_WORD}$", max_length=200)]
"""Letters of all scripts, in a folder perhaps; it leads nowhere else."""


def _sound(text: object) -> object:
    """Half characters, which a shell passes on where bytes are no text, can't be written."""
    return text.encode(errors="replace").decode() if isinstance(text, str) else text


def _plausible(when: datetime) -> datetime:
    # A zip knows no earlier one.
    if not 1980 <= when.year < 2100:
        raise ValueError(f"{when.year} is no year in which a run was made")
    return when


class Record(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, use_attribute_docstrings=True)


_Kind = TypeVar("_Kind", bound=Record)


class Description(Record):
    """What the maker of a run tells of it."""

    title: Annotated[str, BeforeValidator(_sound)] = ""
    """What people call it; empty where it has no other name than its text."""

    text: Annotated[str, BeforeValidator(_sound)]
    """All that is said in it."""

    voice: str
    engine: str
    checkpoint: str | None = None
    """None for an engine without, or where it isn't known."""

    seed: Annotated[int, Field(ge=-(2**63), lt=2**63)] | None = None
    """The one really used; None for an engine without."""

    sampling: Sampling | None = None
    """None: as the voice does by itself."""

    language: str | None = None
    """BCP-47 tag; None: found out from the text, part by part."""

    fallback: str | None = None
    """Why the fallback voice spoke, if it did."""

    first_audio: float | None = None
    """Seconds from the first text to the first sound."""

    elapsed: float
    """Seconds that it took."""

    duration: float
    """Seconds of sound."""

    sample_rate: int
    """Hz."""


class Artifact(Record):
    name: FileName
    size: Annotated[int, Field(ge=0, lt=2**53)]
    """Bytes."""

    sha256: str


class Meta(Description):
    schema_version: Literal[1] = 1
    id: str
    task: str
    created: Annotated[AwareDatetime, AfterValidator(_plausible)]
    koe: str
    """The version that made it."""

    files: Annotated[tuple[Artifact, ...], Field(min_length=1)]
    """Besides meta.json, flags.json and words.json; what is heard comes first, input.json last."""

    @property
    def size(self) -> int:
        """Bytes."""
        return sum(file.size for file in self.files)


class Flags(Record):
    favourite: bool = False
    pinned: bool = False

    @property
    def protect(self) -> bool:
        """Whether the run is kept, however old it is."""
        return self.favourite or self.pinned


def read(path: Path, record: type[_Kind]) -> _Kind:
    """Raises OSError, MalformedInput."""
    data = read_bytes(path)
    try:
        return record.model_validate_json(data)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(map(str, first["loc"]))
        raise MalformedInput(f"{path.name}: {place}{': ' if place else ''}{first['msg']}") from None


def read_bytes(path: Path) -> bytes:
    """Raises OSError, MalformedInput for what is no file, or too large to be read at once."""
    if path.is_symlink() or (path.exists() and not path.is_file()):
        raise MalformedInput(f"{path.name} is no file")
    if path.stat().st_size > _MAX_BYTES:
        raise MalformedInput(f"{path.name} is larger than {_MAX_BYTES} bytes")
    return path.read_bytes()
