"""`GET /api/voices`: who can speak, and what is known of a voice."""

import asyncio
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from functools import cached_property

from aiohttp import web

from koe.adapters.http.answers import json_answer
from koe.adapters.http.endpoints import Endpoint
from koe.adapters.http.errors import read_query
from koe.adapters.http.house import HOUSE, Coming, House
from koe.adapters.http.voices.answers import MadeAnswer, ProfileAnswer, State, VoiceAnswer, VoiceEntry, VoiceList
from koe.adapters.http.voices.bodies import ListQuery
from koe.core.errors import KoeError, UsualProblem
from koe.core.profile import Profile
from koe.core.voice import Voice
from koe.voices.files import to_plain
from koe.voices.making import Made
from koe.voices.store import BrokenVoice

TAG = "Voices"


async def list_voices(request: web.Request) -> web.Response:
    query = read_query(request, ListQuery)
    found = await asyncio.to_thread(lambda: list(entries(request.app[HOUSE])))
    return json_answer(VoiceList(voices=list(_chosen(found, query))))


async def list_own(request: web.Request) -> web.Response:
    query = read_query(request, ListQuery)
    found = await asyncio.to_thread(lambda: [each for each in entries(request.app[HOUSE]) if each.own])
    return json_answer(VoiceList(voices=list(_chosen(found, query))))


async def show_voice(request: web.Request) -> web.Response:
    """Raises UnknownVoice."""
    return json_answer(await asyncio.to_thread(_shown, request.app[HOUSE], request.match_info["voice_id"]))


def entries(house: House) -> Iterator[VoiceEntry]:
    """The voices that speak now, in the speaker's order, then those of users that can't. Blocks."""
    own, states = {profile.id: profile for profile in house.store.profiles()}, States(house)
    listed = house.speaker.voices()
    for voice in listed:
        yield _of_own(house, states, own[voice.id], voice) if voice.id in own else _built_in(house, states, voice)
    speaking = {voice.id for voice in listed}
    for profile in own.values():
        if profile.id not in speaking:
            yield _of_own(house, states, profile, None)
    for broken in house.store.broken():
        yield _broken(broken)


class States:
    """How the voices that users made are; what all of them need is looked for once. Blocks."""

    def __init__(self, house: House) -> None:
        self._house = house

    def of(self, profile: Profile, listed: Voice | None) -> "Standing":
        """`listed`: as the speaker has it."""
        coming = self.coming.get(profile.id)
        if not profile.base and (obstacle := self._clone_obstacle):
            return Standing(coming.state, coming.reason) if coming else _missing(obstacle)
        if listed is None:
            return self._absence(profile)
        try:
            self._house.store.clip(profile)
        except KoeError as error:
            return _missing(error)
        if coming:
            return Standing(coming.state, coming.reason)
        return Standing("cached" if profile.id in self._cached else "ready")

    @cached_property
    def coming(self) -> Mapping[str, Coming]:
        """By voice, also those of engines."""
        return self._house.coming_voices()

    @cached_property
    def _clone_obstacle(self) -> KoeError | None:
        return self._house.clone_obstacle()

    @cached_property
    def _cached(self) -> Collection[str]:
        return self._house.cached_voices()

    def _absence(self, profile: Profile) -> "Standing":
        engine = profile.base.partition("-")[0] if profile.base else profile.engine
        health = self._house.speaker.health.get(engine)
        if health is None:
            return Standing("missing", f"there is no engine {engine} now", "engine-absent")
        if health.ready:
            return Standing("missing", f"its base voice {profile.base} isn't there", "base-voice-missing")
        return Standing("missing", health.reason, health.problem)


@dataclass(frozen=True, slots=True)
class Standing:
    """How a voice is."""

    state: State
    reason: str | None = None
    """Why it can't speak now, or what is waited for."""

    problem: UsualProblem | None = None
    """A name for that, where it is a usual one."""


def _missing(error: KoeError) -> Standing:
    return Standing("missing", error.message, error.problem)


def profile_answer(profile: Profile) -> ProfileAnswer:
    return ProfileAnswer.model_validate(to_plain(profile))


def made_answer(house: House, made: Made) -> MadeAnswer:
    """Blocks."""
    voice = next((voice for voice in house.speaker.voices() if voice.id == made.profile.id), None)
    how = asdict(States(house).of(made.profile, voice))
    return MadeAnswer(profile=profile_answer(made.profile), warnings=list(made.warnings), **how)


def _shown(house: House, voice_id: str) -> VoiceAnswer:
    found = next((each for each in entries(house) if each.id == voice_id and voice_id), None)
    if found is None:
        house.store.get(voice_id)
        raise AssertionError("a voice that the store has is listed")
    known = found.own and found.state != "broken"
    profile = profile_answer(house.store.get(voice_id)) if known else None
    return VoiceAnswer(**dict(found), profile=profile)


def _chosen(found: Iterable[VoiceEntry], query: ListQuery) -> Iterator[VoiceEntry]:
    for each in found:
        if query.kind in (None, each.kind) and (query.language is None or _speaks(each.languages, query.language)):
            yield each


def _speaks(languages: Iterable[str], wanted: str) -> bool:
    """`en` finds en-GB, `en-GB` only itself."""
    tag = wanted.lower()
    return any(each.lower() == tag or each.lower().startswith(f"{tag}-") for each in languages)


def _of_own(house: House, states: States, profile: Profile, listed: Voice | None) -> VoiceEntry:
    voice = listed or profile.voice
    preset = house.store.is_preset(profile.id)
    entry = _entry(voice, states.of(profile, listed), own=True, preset=preset)
    return entry.model_copy(update={"description": profile.description, "tags": list(profile.tags)})


def _built_in(house: House, states: States, voice: Voice) -> VoiceEntry:
    health = house.speaker.health[voice.engine]
    if health.ready and (coming := states.coming.get(voice.id)):
        return _entry(voice, Standing(coming.state, coming.reason), own=False, preset=False)
    how = Standing("ready") if health.ready else Standing("missing", health.reason, health.problem)
    return _entry(voice, how, own=False, preset=False)


def _entry(voice: Voice, how: Standing, *, own: bool, preset: bool) -> VoiceEntry:
    return VoiceEntry(
        id=voice.id,
        name=voice.name,
        languages=list(voice.languages),
        kind=voice.kind,
        engine=voice.engine,
        styles=list(voice.styles),
        own=own,
        preset=preset,
        **asdict(how),
    )


def _broken(voice: BrokenVoice) -> VoiceEntry:
    return VoiceEntry(
        id=voice.id,
        name="",
        languages=[],
        kind=None,
        engine="",
        styles=[],
        own=True,
        preset=voice.path.suffix != ".json",
        state="broken",
        reason=voice.reason,
    )


ENDPOINTS = (
    Endpoint(
        "GET",
        "/api/voices",
        list_voices,
        "All voices, also those that can't speak now.",
        tag=TAG,
        query=ListQuery,
        answers={200: VoiceList},
    ),
    Endpoint(
        "GET",
        "/api/voices/{voice_id}",
        show_voice,
        "All that is known of a voice.",
        tag=TAG,
        answers={200: VoiceAnswer},
    ),
)
