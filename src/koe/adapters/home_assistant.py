"""Home Assistant, asked over its REST API: in which rooms it can speak, and to announce there."""

import asyncio
import json
from collections.abc import Mapping, Sequence

import aiohttp
from pydantic import BaseModel, TypeAdapter, ValidationError
from yarl import URL

from koe.core.errors import EngineError, EngineTimeout, EngineUnavailable, UsualProblem
from koe.pipelines.announce import Announcement, Enough, Room, Sound

_ASK_SECONDS = 10.0
"""For the list of rooms."""

_MOST_BYTES = 1024 * 1024
"""Of an answer; a list of rooms has some thousands."""

_ANNOUNCES = 1
"""The bit of `supported_features`."""

_ROOMS = """\
{% set found = namespace(rooms=[]) %}
{% for each in states.assist_satellite %}
{% if each.state != "unavailable" and each.attributes.get("supported_features", 0) | bitwise_and(ANNOUNCES) %}
{% set room = {"id": each.entity_id, "name": each.name, "area": area_name(each.entity_id)} %}
{% set found.rooms = found.rooms + [room] %}
{% endif %}
{% endfor %}
{{ found.rooms | to_json }}""".replace("ANNOUNCES", str(_ANNOUNCES))


class _Entity(BaseModel):
    id: str
    name: str
    area: str | None = None


class HomeAssistant:
    """A `koe.pipelines.announce.Way`."""

    name = "home-assistant"

    def __init__(self, url: str, token: str, tts_entity: str, timeout: float) -> None:
        """`tts_entity`: this house in it; `timeout`: seconds that an announcement may take."""
        self._url, self._token, self._tts_entity, self._timeout = url.rstrip("/"), token, tts_entity, timeout

    async def rooms(self, enough: Enough) -> Sequence[Room]:
        answer = await self._post("template", {"template": _ROOMS}, _ASK_SECONDS)
        try:
            entities = TypeAdapter(list[_Entity]).validate_json(answer)
        except ValidationError:
            raise EngineError(
                f"what answers at {self._url} is no Home Assistant (setting home_assistant.url)",
                problem="home-assistant-address",
            ) from None
        return [Room(each.id, each.name, self.name, each.area) for each in entities]

    async def announce(self, room: Room, announcement: Announcement, sound: Sound) -> None:
        """Home Assistant speaks the text with the room's own assistant, or has this house speak it where a voice was
        named."""
        given = {"entity_id": room.id, "message": announcement.text}
        if announcement.voice is not None:
            given["media_id"] = _spoken_by(self._tts_entity, announcement)
        await self._post("services/assist_satellite/announce", given, self._timeout)

    async def _post(self, path: str, body: Mapping[str, str], seconds: float) -> bytes:
        """Raises EngineError."""
        headers = {"Authorization": f"Bearer {self._token}"}
        try:
            async with (
                asyncio.timeout(seconds),
                aiohttp.ClientSession(headers=headers) as session,
                # The token is for nobody else.
                session.post(f"{self._url}/api/{path}", json=body, allow_redirects=False) as answer,
            ):
                if answer.status != 200:
                    raise self._refusal(path, answer.status)
                return await _bounded(answer.content)
        except TimeoutError as error:
            words = f"Home Assistant at {self._url} did not answer within {seconds:g} seconds"
            raise EngineTimeout(words, problem="home-assistant-silent") from error
        except aiohttp.ClientError as error:
            raise EngineUnavailable(
                f"Home Assistant can't be reached at {self._url} ({error or type(error).__name__}): check the setting "
                "home_assistant.url",
                problem="home-assistant-away",
            ) from error

    def _refusal(self, path: str, status: int) -> EngineError:
        problem: UsualProblem | None = None
        match status:
            case 401:
                problem = "home-assistant-token"
                words = "doesn't take the token: make a new one there, and put it into the setting home_assistant.token"
            case 403:
                problem = "home-assistant-user"
                words = "says that the token's user may not do this: it must be an administrator's"
            case 404 | 405:
                problem = "home-assistant-address"
                words = "has no such thing: check the setting home_assistant.url, which ends before /api"
            case _:
                words = f"could not do it (status {status} of /api/{path}): its own log says why"
        return EngineError(f"Home Assistant at {self._url} {words}", problem=problem)


def _spoken_by(tts_entity: str, announcement: Announcement) -> str:
    options = {"voice": announcement.voice}
    if announcement.style is not None:
        options["speaker"] = announcement.style
    query = {"message": announcement.text, "tts_options": json.dumps(options)}
    return str(URL.build(scheme="media-source", host="tts", path=f"/{tts_entity}", query=query))


async def _bounded(content: aiohttp.StreamReader) -> bytes:
    data = b""
    async for piece in content.iter_any():
        data += piece
        if len(data) > _MOST_BYTES:
            raise EngineError(f"Home Assistant's answer has more than {_MOST_BYTES} bytes")
    return data
