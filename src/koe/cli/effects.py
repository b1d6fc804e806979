"""`--effect`, wherever it may be given."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from koe.core.effects import Effect

_NONE = "none"

Effects = Annotated[
    list[str] | None,
    typer.Option(
        "--effect",
        metavar="EFFECT",
        help="What is done to the sound, such as reverb:size=0.4,wet=0.1 or pitch:semitones=3 or the preset M3GAN; "
        "several follow each other; none: nothing.",
    ),
]


def chain(texts: Sequence[str] | None) -> tuple[Effect, ...] | None:
    """None where the option isn't given. Raises BadParameter that says what is wrong with which."""
    if not texts:
        return None
    if list(texts) == [_NONE]:
        return ()
    from pydantic import TypeAdapter, ValidationError

    from koe.core.effects import Chain
    from koe.voices.problems import in_words

    named: TypeAdapter[dict[str, tuple[Effect, ...]]] = TypeAdapter(dict[str, Chain])
    try:
        return named.validate_python({"--effect": texts})["--effect"]
    except ValidationError as error:
        raise typer.BadParameter(in_words(error, ())) from None
