"""`POST /v1/audio/conversation`: a dialogue in several voices; the answer leaves while it is spoken.

It takes one turn of those that requests have to speak, and rooms go before it.
"""

import asyncio
import json
import secrets
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import replace

from aiohttp import web
from pydantic import ValidationError

from koe.adapters.http.busy import TURNS
from koe.adapters.http.conversation_bodies import CastTurn, ConversationBody
from koe.adapters.http.encoding import CONTENT_TYPES, PCM_RATE, encoded, file_format
from koe.adapters.http.endpoints import Endpoint
from koe.adapters.http.errors import HttpError, as_http, read_json
from koe.adapters.http.house import HOUSE, House
from koe.adapters.http.metrics import METRICS, Metrics
from koe.adapters.http.runs import outputs_of
from koe.adapters.http.speech import ADAPTER, TAG
from koe.adapters.http.speech_answer import Outflow, outflow
from koe.adapters.http.speech_choice import speech_request
from koe.audio.flow import FlowEncoder, fitting_rate
from koe.core.errors import KoeError, LimitExceeded, NothingToSpeak, UnknownVoice
from koe.core.problem import shown
from koe.engine import Priority
from koe.pipelines.again import Seeds, damaged_input, seeds_of
from koe.pipelines.conversation import TASK, Conversation, Turn
from koe.pipelines.kept_conversation import kept_pieces
from koe.pipelines.kept_sound import KeptSound
from koe.pipelines.production_output import MANIFEST
from koe.pipelines.threads import to_its_end
from koe.storage.outputs import Outputs
from koe.storage.run import Run

_MOST_NAMED = 30
"""Turns in one message."""


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
    async with _keeping(body, conversation, outputs) as (run_id, pieces):
        await _speak(out, body, pieces, conversation.sample_rate, run_id)


@asynccontextmanager
async def _keeping(
    body: ConversationBody, conversation: Conversation, outputs: Outputs
) -> AsyncIterator[tuple[str, AsyncGenerator[bytes]]]:
    """The id of the run that it becomes, and its PCM: the run is there once that was taken to its end."""
    began = asyncio.get_running_loop().time()
    wanted = body.model_dump(mode="json", exclude_unset=True)
    kept = await to_its_end(KeptSound, outputs, TASK, wanted, file_format(body.format), conversation.sample_rate)
    try:
        yield kept.run_id, kept_pieces(conversation, kept, body.language, began)
    finally:
        await to_its_end(kept.discard)


async def again(request: web.Request, run: Run, seed: Seeds) -> Run:
    """A kept dialogue spoken again, each turn with the seed that it had, or another. Raises MalformedInput where its
    input was damaged, and what a new one raises."""
    body, house, metrics = await asyncio.to_thread(_body_again, run, seed), request.app[HOUSE], request.app[METRICS]
    outputs = outputs_of(request)
    conversation = await _opened(house, body, metrics)
    async with request.app[TURNS].turn(metrics, ADAPTER), _keeping(body, conversation, outputs) as (run_id, pieces):
        async with aclosing(pieces):
            async for _ in pieces:
                pass
        return await asyncio.to_thread(outputs.get, run_id)


def _body_again(run: Run, seed: Seeds) -> ConversationBody:
    try:
        body = ConversationBody.model_validate_json(json.dumps(run.input()))
    except ValidationError as error:
        raise damaged_input(run, error) from None
    if seed == "same":
        seeds = seeds_of(run) if MANIFEST in [file.name for file in run.meta.files] else {}
    else:
        seeds = {number: _drawn(seed) for number in range(1, len(body.turns) + 1)}
    turns = [
        turn.model_copy(update={"seed": seeds[number]}) if number in seeds else turn
        for number, turn in enumerate(body.turns, start=1)
    ]
    return body.model_copy(update={"turns": turns})


def _drawn(seed: Seeds) -> int:
    return seed if isinstance(seed, int) else secrets.randbits(32)


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
            pause = body.gap if cast.pause_after is None else cast.pause_after
            is_ssml = cast.text_format == "ssml"
            turns.append(Turn(utterance, cast.input, pause, cast.speaker or "", cast.language, is_ssml))
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
