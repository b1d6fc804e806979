"""Design then clone: a description is spoken by several made-up voices, and the one that is kept becomes a reference.

The design model runs once for each candidate. From then on the voice is a clone of that sound: it stays the same, which
a description alone would not.
"""

import asyncio
import io
import json
import math
import secrets
import shutil
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import soundfile
from pydantic import TypeAdapter, ValidationError

from koe import disk
from koe.core.errors import MalformedInput, RequestError, UnknownVoice
from koe.core.languages import at_home
from koe.core.pcm import duration, to_float
from koe.core.samples import sample
from koe.core.voice import VoiceKind
from koe.engine import Priority
from koe.pipelines import plan_estimate
from koe.speech import Speaker, SpeechRequest
from koe.voices.ids import MAX_LENGTH, check_id, make_id
from koe.voices.making import Made, clone, prepare_clip
from koe.voices.store import VoiceStore

MAX_CANDIDATES = 10
LONGEST = 25.0
"""Seconds of a candidate: a reference may not be longer than 30."""

_KEPT_DESIGNS = 20
"""Older ones are dropped: what is worth keeping has become a voice."""


@dataclass(frozen=True, slots=True)
class Candidate:
    number: int
    """From 1."""

    seed: int
    duration: float
    """Seconds."""


@dataclass(frozen=True, slots=True)
class Design:
    id: str
    description: str
    text: str
    """What the candidates say."""

    language: str
    created: datetime
    candidates: tuple[Candidate, ...] = ()

    def to_json(self) -> str:
        return json.dumps(asdict(self), ensure_ascii=False, indent=2, default=str)


_DESIGN = TypeAdapter(Design)


def candidate_request(description: str, language: str, seed: int | None) -> SpeechRequest:
    return SpeechRequest(description=description, language=language, seed=seed, wait=True, priority=Priority.BATCH)


class Designer:
    def __init__(self, data_dir: Path, speaker: Speaker | None = None) -> None:
        """Without a speaker, what was designed can be kept, but nothing be designed."""
        self._folder = data_dir / "voices" / "designs"
        self._speaker = speaker

    async def design(
        self, description: str, *, language: str, text: str | None = None, seeds: Sequence[int | None] = (None,) * 3
    ) -> AsyncIterator[Design]:
        """A candidate for each seed, drawn where it is None; yields the design after each one.

        Raises EngineUnavailable where no model for it is here, MalformedInput, LimitExceeded.
        """
        if not 1 <= len(seeds) <= MAX_CANDIDATES:
            raise MalformedInput(f"ask for 1 to {MAX_CANDIDATES} candidates, not {len(seeds)}")
        if not description.strip():
            raise MalformedInput("describe the voice in a few words, such as: a calm old sailor")
        language = at_home(language)
        design = Design(
            self._free_id(description),
            description.strip(),
            (text or sample(language)).strip(),
            language,
            datetime.now(UTC).replace(microsecond=0),
        )
        for number, seed in enumerate(seeds, start=1):
            seed = secrets.randbits(32) if seed is None else seed
            pcm, rate = await self._speak(design, seed)
            candidate = Candidate(number, seed, round(duration(len(pcm), rate), 3))
            design = replace(design, candidates=(*design.candidates, candidate))
            await asyncio.to_thread(self._write, design, number, pcm, rate)
            yield design

    def add(self, design: Design, sounds: Mapping[int, Path]) -> None:
        """One that was made elsewhere; one of its id is replaced. `sounds`: of its candidates, by their numbers.
        Blocks. Raises OSError."""
        for count, candidate in enumerate(design.candidates, start=1):
            sound, rate = soundfile.read(sounds[candidate.number], dtype="int16")
            so_far = replace(design, candidates=design.candidates[:count])
            self._write(so_far, candidate.number, sound.tobytes(), rate)

    def best(self, design: Design) -> int:
        """The number of the candidate that makes the best reference: with the least to complain of, then at the most
        usual pace. Blocks. Raises MalformedInput where none of them makes one."""
        usual = plan_estimate.seconds(design.text, design.language)
        found: list[tuple[int, float, int]] = []
        reason = "it has no candidates"
        for each in design.candidates:
            try:
                clip = prepare_clip(self.clip(design, each.number), design.text)
            except RequestError as error:
                reason = error.message
                continue
            unusual = abs(math.log(max(clip.reference.duration, 0.01) / usual))
            found.append((len(clip.warnings), unusual, each.number))
        if not found:
            raise MalformedInput(f"no candidate of {design.id} makes a voice: {reason}")
        return min(found)[-1]

    def designs(self) -> list[Design]:
        """The newest first."""
        found = [self._read(path.parent) for path in self._folder.glob("*/design.json")]
        return sorted((each for each in found if each is not None), key=lambda each: each.created, reverse=True)

    def get(self, design_id: str) -> Design:
        """Raises UnknownVoice."""
        found = {design.id: design for design in self.designs()}
        if design_id not in found:
            known = ", ".join(found) or "none"
            raise UnknownVoice(f"there is no design {design_id[:100]!r}; there are: {known}")
        return found[design_id]

    def clip(self, design: Design, number: int) -> Path:
        """The candidate's WAV. Raises UnknownVoice."""
        if number not in [candidate.number for candidate in design.candidates]:
            raise UnknownVoice(f"{design.id} has candidates 1 to {len(design.candidates)}, and no {number}")
        return self._folder / design.id / f"{number}.wav"

    def remove(self, design_id: str) -> None:
        """With what its candidates said; voices that were kept of it stay. Blocks. Raises UnknownVoice, DiskFailed."""
        folder = self._folder / self.get(design_id).id
        with disk.told(folder):
            try:
                # Without it there is no design, whatever else is still there.
                (folder / "design.json").unlink()
            except FileNotFoundError:
                raise UnknownVoice(f"the design {design_id} was just removed") from None
            disk.remove_folder(folder)

    def keep(
        self, store: VoiceStore, design_id: str, number: int, name: str, *, id: str | None = None, description: str = ""
    ) -> Made:
        """Make a candidate a voice of the house."""
        design = self.get(design_id)
        clip = prepare_clip(self.clip(design, number), design.text)
        return clone(
            store,
            name,
            [clip],
            id=id,
            kind=VoiceKind.DESIGNED,
            design=design.description,
            description=description or design.description,
        )

    async def _speak(self, design: Design, seed: int) -> tuple[bytes, int]:
        if self._speaker is None:
            raise RuntimeError("a designer without a speaker designs nothing")
        utterance = self._speaker.open(candidate_request(design.description, design.language, seed))
        utterance.feed(design.text)
        utterance.finish()
        spoken = bytearray()
        async with aclosing(utterance):
            async for pcm in utterance:
                spoken += pcm
                if duration(len(spoken), utterance.sample_rate) >= LONGEST:
                    break
        return bytes(spoken), utterance.sample_rate

    def _write(self, design: Design, number: int, pcm: bytes, rate: int) -> None:
        folder = self._folder / design.id
        if len(design.candidates) > 1 and not (folder / "design.json").exists():
            raise UnknownVoice(f"the design {design.id} was removed while it was made")
        folder.mkdir(parents=True, exist_ok=True)
        encoded = io.BytesIO()
        soundfile.write(encoded, to_float(pcm), rate, format="WAV", subtype="PCM_16")
        disk.write(folder / f"{number}.wav", encoded.getvalue())
        # The description last, so that it never names a candidate that isn't there.
        disk.write(folder / "design.json", design.to_json().encode())
        for old in self.designs()[_KEPT_DESIGNS:]:
            shutil.rmtree(self._folder / old.id, ignore_errors=True)

    def _read(self, folder: Path) -> Design | None:
        try:
            design = _DESIGN.validate_json((folder / "design.json").read_bytes())
        except (OSError, ValidationError):
            return None
        return design if design.id == folder.name else None

    def _free_id(self, description: str) -> str:
        taken = [path.name for path in self._folder.iterdir()] if self._folder.is_dir() else []
        free = make_id(_beginning(description), taken)
        check_id(free)
        return free


def design_id(description: str, ending: str) -> str:
    """The same for the same; `ending`: a few letters and digits."""
    return f"{make_id(_beginning(description), ())[: MAX_LENGTH - 1 - len(ending)].rstrip('-_')}-{ending}"


def _beginning(description: str) -> str:
    return " ".join(description.split()[:5])
