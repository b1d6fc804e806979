"""What a request for a dialogue may hold."""

from typing import Annotated

from pydantic import ConfigDict, Field, model_validator

from koe.adapters.http.speech_body import FormOfAnswer, Manner, fits_together, given
from koe.voices.fields import Number

MOST_TURNS = 500

_Name = Annotated[str, Field(min_length=1, max_length=200)]


class ConversationTurn(Manner):
    """What it says of itself wins over what its speaker says, and that over what the conversation says."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    input: Annotated[str, Field(min_length=1, examples=["Is the kettle on?"])]
    """All turns together: at most speech.max_characters of the settings."""

    speaker: Annotated[_Name, Field(examples=["Anna"])] | None = None
    """One of `speakers`."""

    pause_after: Annotated[Number, Field(ge=0, le=60)] | None = None
    """Seconds until the next turn; null: `gap`."""


class CastTurn(ConversationTurn):
    """With what its speaker and the conversation say."""

    @model_validator(mode="after")
    def _fits_together(self) -> "CastTurn":
        fits_together(self)
        return self

    @property
    def names_a_voice(self) -> bool:
        return bool(self.voice_name or self.ref_audio or self.designed)


class ConversationBody(FormOfAnswer):
    """What is said here holds for all turns that say nothing else."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    turns: Annotated[list[ConversationTurn], Field(min_length=1, max_length=MOST_TURNS)]

    speakers: Annotated[dict[_Name, Manner], Field(max_length=100, examples=[{"Anna": {"voice": "espeak-en"}}])] = (
        Field(default_factory=dict)
    )
    """How each of them speaks, by name."""

    gap: Annotated[Number, Field(ge=0, le=60)] = 0.4
    """Seconds between two turns."""

    keep: bool = False
    """Whether it becomes a run as well: the header X-Koe-Run has its id."""

    @model_validator(mode="after")
    def _fits_together(self) -> "ConversationBody":
        fits_together(self)
        return self

    def cast(self, index: int) -> CastTurn:
        """Raises ValidationError where the turn, its speaker and the conversation don't fit together."""
        turn = self.turns[index]
        everyone = {name: value for name, value in given(self).items() if name in Manner.model_fields}
        speaker = self.speakers.get(turn.speaker or "")
        return CastTurn.model_validate(everyone | (given(speaker) if speaker else {}) | given(turn))
