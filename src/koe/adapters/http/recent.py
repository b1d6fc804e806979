"""The last speech requests of all adapters, without their texts: whether the house answers at once."""

from collections import deque
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime

from pydantic import BaseModel, ConfigDict, Field

from koe.speech import SpeechStats

_MOST = 200


class PastRequest(BaseModel):
    model_config = ConfigDict(use_attribute_docstrings=True)

    at: datetime
    """When it ended."""

    adapter: str = Field(examples=["wyoming"])

    outcome: str = Field(examples=["spoken"])
    """`spoken`, `cancelled` or the code of an error."""

    voice: str = Field(examples=["espeak-en"])

    engine: str = Field(examples=["espeak"])

    fallback: str | None
    """Why another voice spoke than the one that was chosen."""

    characters: int = Field(examples=[32])

    first_audio: float | None = Field(examples=[0.012])
    """Seconds from the first text to the first sound."""

    audio_seconds: float = Field(examples=[2.31])

    elapsed: float = Field(examples=[0.2])
    """Seconds from the first text to the last sound."""


class PastRequests(BaseModel):
    model_config = ConfigDict(use_attribute_docstrings=True)

    requests: list[PastRequest]
    """The newest first."""


class Recent:
    def __init__(self) -> None:
        self._requests: deque[PastRequest] = deque(maxlen=_MOST)

    def add(self, stats: SpeechStats, adapter: str, outcome: str) -> None:
        figures = {name: value for name, value in asdict(stats).items() if name in PastRequest.model_fields}
        self._requests.appendleft(PastRequest(at=datetime.now(UTC), adapter=adapter, outcome=outcome, **figures))

    def newest(self, limit: int) -> Sequence[PastRequest]:
        return list(self._requests)[:limit]
