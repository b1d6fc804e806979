"""Design then clone, as a job: each candidate is an item, and what is kept of them becomes a voice.

At the end the candidates are a design as well, as if somebody had made it by hand: another one can be kept later.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from koe.core.errors import RequestError
from koe.core.installation import command
from koe.pipelines.design_clone import LONGEST, Candidate, Design, Designer, candidate_request, design_id
from koe.pipelines.design_plan import DesignOptions, KeepOptions, read_description
from koe.pipelines.plan import PlanItem
from koe.pipelines.production import Production, Spoken, items_folder
from koe.speech import SpeechRequest
from koe.storage.job import Job
from koe.storage.jobs import SOURCE
from koe.voices.making import prepare_clip
from koe.voices.store import VoiceStore


class DesignProduction(Production):
    most_seconds = LONGEST

    def __init__(self, *given: Any, designer: Designer, voices: VoiceStore, **named: Any) -> None:
        """As a Production; `voices`: where what is kept goes."""
        super().__init__(*given, **named)
        self._designer, self._voices = designer, voices

    def _request(self, job: Job, item: PlanItem) -> SpeechRequest:
        how = item.how
        return candidate_request(self._description(job), str(how.language), how.seed)

    def _become(self, job: Job, spoken: Spoken) -> Mapping[str, object]:
        options, _ = self._options(job.request)
        assert isinstance(options, DesignOptions)
        description, folder = self._description(job), items_folder(self._store, job.id)
        design = Design(
            design_id(description, job.id[-8:]),
            description,
            options.said,
            options.home_language,
            datetime.now(UTC).replace(microsecond=0),
            tuple(Candidate(made.number + 1, item.how.seed or 0, round(made.seconds, 3)) for item, made in spoken),
        )
        self._designer.add(design, {made.number + 1: folder / made.file for _, made in spoken})
        try:
            kept = self._keep(design, options.keep) if options.keep else {}
        except RequestError as error:
            remedy = command(f"voices keep {design.id} NUMBER NAME")
            raise RequestError(f"{error.message}; the candidates are there: keep one with {remedy}") from error
        return {"description": description, "design": design.id, **kept}

    def _keep(self, design: Design, wish: KeepOptions) -> Mapping[str, object]:
        number = self._designer.best(design) if wish.candidate == "best" else wish.candidate
        reference = prepare_clip(self._designer.clip(design, number), design.text).reference
        # A crash may have come after it the last time.
        there = (
            each.id
            for each in self._voices.profiles()
            if each.name == wish.name and [kept.sha256 for kept in each.references] == [reference.sha256]
        )
        voice = next(there, None)
        if voice is None:
            voice = self._designer.keep(self._voices, design.id, number, wish.name, id=wish.id).profile.id
        return {"kept": {"candidate": number, "voice": voice}}

    def _description(self, job: Job) -> str:
        with (self._store.folder(job.id) / SOURCE).open("rb") as source:
            return read_description(source)
