"""What does the jobs of each kind."""

from koe.pipelines.design_clone import Designer
from koe.pipelines.design_production import DesignProduction
from koe.pipelines.jobs import Kind
from koe.pipelines.kinds import KINDS
from koe.pipelines.production import Production
from koe.speech import Speaker
from koe.storage.jobs import JobStore
from koe.storage.outputs import Outputs
from koe.voices.store import VoiceStore

_DESIGN = "design"


def productions(
    speaker: Speaker, store: JobStore, outputs: Outputs, designer: Designer, voices: VoiceStore
) -> dict[str, Kind]:
    """By the word for them in commands, jobs and runs. `designer` and `voices`: where the voices go that are made."""
    made: dict[str, Kind] = {
        kind: Production(planning, speaker, store, outputs, task=kind)
        for kind, planning in KINDS.items()
        if kind != _DESIGN
    }
    made[_DESIGN] = DesignProduction(
        KINDS[_DESIGN], speaker, store, outputs, task=_DESIGN, designer=designer, voices=voices
    )
    return made
