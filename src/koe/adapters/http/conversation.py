"""`POST /v1/audio/conversation`: a dialogue in several voices; the answer leaves while it is spoken.

It takes one turn of those that requests have to speak, and rooms go before it.
"""

import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import replace
from typing import Annotated

from aiohttp import web
from pydantic import ConfigDict, Field, ValidationError, model_validator

from koe.adapters.http.busy import TURNS
from koe.adapters.http.encoding import CONTENT_TYPES, PCM_RATE, encoded, file_format
from koe.adapters.http.endpoints import Endpoint
from koe.adapters.http.errors import HttpError, as_http, read_json
from koe.adapters.http.house import HOUSE, House
from koe.adapters.http.metrics import METRICS, Metrics
from koe.adapters.http.runs import outputs_of
from koe.adapters.http.speech import ADAPTER, TAG
from koe.adapters.http.speech_answer import Outflow, outflow
from koe.adapters.http.speech_body import FormOfAnswer, Manner, fits_together, given
from koe.adapters.http.speech_choice import speech_request
from koe.audio.flow import FlowEncoder, fitting_rate
from koe.core.errors import KoeError, LimitExceeded, NothingToSpeak, UnknownVoice
from koe.core.problem import shown
from koe.engine import Priority
from koe.pipelines.conversation import TASK, Conversation, Turn
from koe.pipelines.kept_sound import KeptSound
from koe.pipelines.threads import to_its_end
from koe.storage.meta import Description
from koe.storage.outputs import Outputs
from koe.voices.fields import Number

MOST_TURNS = 500
_MOST_NAMED = 30
"""Turns in one message."""

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


async def converse(request: web.Request) -> web.StreamResponse:
    body, house, metrics = await read_json(request, ConversationBody), request.app[HOUSE], request.app[METRICS]
    outputs = outputs_of(request) if body.keep else None
    conversation = await _opened(house, body, metrics)
    async with outflow(request, CONTENT_TYPES[body.format]) as out, request.app[TURNS].turn(metrics, ADAPTER):
        if outputs is None:
            await _speak(out, body, conversation.pieces(), conversation.sample_rate)
        else:
            await _speak_and_keep(out, body, conversation, outputs)
    return out.response


async def _speak(
    out: Outflow, body: ConversationBody, pieces: AsyncGenerator[bytes], sample_rate: int, run_id: str = ""
) -> None:
    headers = {"X-Koe-Sample-Rate": str(sample_rate)} | ({"X-Koe-Run": run_id} if run_id else {})
    encoder = FlowEncoder(body.format, sample_rate)
    async with aclosing(pieces), aclosing(encoded(pieces, encoder)) as encoding:
        async for piece in encoding:
            await out.write(piece, headers)


async def _speak_and_keep(out: Outflow, body: ConversationBody, conversation: Conversation, outputs: Outputs) -> None:
    """The run is there before the answer ends."""
    clock = asyncio.get_running_loop().time
    begun = clock()
    wanted = body.model_dump(mode="json", exclude_unset=True)
    kept = await to_its_end(KeptSound, outputs, TASK, wanted, file_format(body.format), conversation.sample_rate)

    async def pieces() -> AsyncGenerator[bytes]:
        async with aclosing(conversation.pieces()) as spoken:
            async for pcm in spoken:
                await to_its_end(kept.write, pcm)
                yield pcm
        await to_its_end(kept.finish, _description(body, conversation, clock() - begun))

    try:
        await _speak(out, body, pieces(), conversation.sample_rate, kept.run_id)
    finally:
        await to_its_end(kept.discard)


async def _opened(house: House, body: ConversationBody, metrics: Metrics) -> Conversation:
    """Everything that can be known to be wrong is told before anything is spoken. Raises HttpError, UnknownVoice."""
    settings = house.loaded.settings.speech
    _check_length(body, settings.max_characters)
    rate = fitting_rate(body.format, body.sample_rate or settings.sample_rate or PCM_RATE)
    turns, unknown, nobody = list[Turn](), dict[str, list[int]](), dict[str, list[int]]()
    for index in range(len(body.turns)):
        try:
            cast = body.cast(index)
            if cast.speaker is not None and cast.speaker not in body.speakers and not cast.names_a_voice:
                nobody.setdefault(shown(cast.speaker), []).append(index)
                continue
            _check_text(cast)
            wanted = await speech_request(house, cast, Priority.BATCH)
            utterance = house.speaker.open(replace(wanted, sample_rate=rate))
        except UnknownVoice as error:
            unknown.setdefault(error.message, []).append(index)
        except (KoeError, ValidationError) as error:
            raise _of_turn(index, error) from error
        else:
            turns.append(Turn(utterance, cast.input, body.gap if cast.pause_after is None else cast.pause_after))
    if nobody:
        words = f"speakers without a voice: {_listed(nobody)}. Give each one a place in `speakers`"
        raise HttpError(400, words, code=UnknownVoice.code, param="speakers")
    if unknown:
        raise UnknownVoice(_listed(unknown))
    return Conversation(turns, rate, settings, metrics, ADAPTER)


def _check_length(body: ConversationBody, most: int) -> None:
    if (characters := sum(len(turn.input) for turn in body.turns)) > most:
        raise LimitExceeded(
            f"the turns together have {characters} characters, and at most {most} are spoken in one request "
            "(setting speech.max_characters)"
        )


def _check_text(turn: CastTurn) -> None:
    """In the middle of an answer it would be too late."""
    if turn.text_format == "text" and not any(map(str.isalnum, turn.input)):
        raise NothingToSpeak(f"there is nothing to say in {shown(turn.input)}")


def _of_turn(index: int, error: KoeError | ValidationError) -> HttpError:
    failure = as_http(error)
    param = f"turns.{index}" + (f".{failure.param}" if failure.param else "")
    return HttpError(failure.status, f"turns.{index}: {failure.message}", code=failure.error_code, param=param)


def _listed(found: Mapping[str, Sequence[int]]) -> str:
    """What is wrong, with the turns that it is in."""
    named = [
        f"{what} ({', '.join(f'turns.{index}' for index in indices[:_MOST_NAMED])})"
        for what, indices in list(found.items())[:_MOST_NAMED]
    ]
    more = f"; and {len(found) - _MOST_NAMED} more" if len(found) > _MOST_NAMED else ""
    return "; ".join(named) + more


def _description(body: ConversationBody, conversation: Conversation, elapsed: float) -> Description:
    stats = conversation.stats
    seeds = {each.seed for each in stats}
    return Description(
        text="\n".join(turn.input for turn in body.turns),
        voice=", ".join(sorted({each.voice for each in stats})),
        engine=", ".join(sorted({each.engine for each in stats})),
        seed=seeds.pop() if len(seeds) == 1 else None,
        language=body.language,
        fallback="; ".join(sorted({each.fallback for each in stats if each.fallback})) or None,
        first_audio=stats[0].first_audio,
        elapsed=elapsed,
        duration=conversation.seconds,
        sample_rate=conversation.sample_rate,
    )


ENDPOINTS = (
    Endpoint(
        "POST",
        "/v1/audio/conversation",
        converse,
        "Speak a dialogue in several voices; the audio leaves while it is made.",
        tag=TAG,
        body=ConversationBody,
        answers={200: tuple(CONTENT_TYPES.values())},
    ),
)
