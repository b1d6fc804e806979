"""Every failure that Koe names, in one tree.

    KoeError
    ├── RequestError            the request can't be served as it is: the asker can mend it
    │   ├── MalformedInput      bytes or events that break the protocol
    │   ├── LimitExceeded       too large, too long, too deep
    │   ├── NothingToSpeak      no text, or nothing in it has a sound
    │   ├── InvalidSsml         says where
    │   ├── UnknownVoice        names the nearest voices
    │   ├── UnknownRun          there is no such run, or no such file in it
    │   ├── UnknownJob
    │   ├── UnknownProject      there is no such project, version or clip
    │   ├── ChangedMeanwhile    somebody else has changed what this would change
    │   ├── UnknownRoom         none of that name to announce in: names those that there are
    │   └── UnsupportedAbility  names the ability and who has it
    ├── EngineError             the engine failed: the asker can't mend it
    │   ├── EngineUnavailable   it could not start: missing, loading, out of memory
    │   └── EngineTimeout       it kept a request waiting for too long
    ├── DeadlineExceeded        the asker, or the request as a whole, took longer than the settings allow
    ├── DiskFailed              it is full, or can't be written to
    ├── Busy                    no place left: try again later
    ├── ShuttingDown            the server is stopping
    └── SettingsError           a setting is unknown or wrong: names it and its remedy

`code` is part of the public contract (it crosses wires and appears in logs): never change one.
"""

from collections.abc import Iterator, Mapping
from typing import ClassVar, Literal

UsualProblem = Literal[
    "checkpoint-missing",
    "clone-checkpoint-missing",
    "design-checkpoint-missing",
    "checkpoint-damaged",
    "engine-absent",
    "qwen-disabled",
    "not-installed",
    "no-server",
    "no-transcriber",
    "base-voice-missing",
    "clip-missing",
    "home-assistant-away",
    "home-assistant-silent",
    "home-assistant-token",
    "home-assistant-user",
    "home-assistant-address",
]
"""What usually goes wrong, by name: so it can be said in other languages, as the page does."""


class KoeError(Exception):
    """A failure that says in words what was wrong and, where there is one, the remedy."""

    code: ClassVar[str] = "internal-error"

    def __init__(self, message: str, *, problem: UsualProblem | None = None) -> None:
        super().__init__(message)
        self.message, self.problem = message, problem


class RequestError(KoeError):
    code = "bad-request"


class MalformedInput(RequestError):
    code = "malformed-input"


class LimitExceeded(RequestError):
    code = "limit-exceeded"


class NothingToSpeak(RequestError):
    code = "nothing-to-speak"


class InvalidSsml(RequestError):
    code = "invalid-ssml"


class UnknownVoice(RequestError):
    code = "unknown-voice"


class UnknownRun(RequestError):
    code = "unknown-run"


class UnknownJob(RequestError):
    code = "unknown-job"


class UnknownProject(RequestError):
    code = "unknown-project"


class ChangedMeanwhile(RequestError):
    code = "changed-meanwhile"


class UnknownRoom(RequestError):
    code = "unknown-room"


class UnsupportedAbility(RequestError):
    code = "unsupported-ability"


class EngineError(KoeError):
    code = "engine-failed"


class EngineUnavailable(EngineError):
    code = "engine-unavailable"


class EngineTimeout(EngineError):
    code = "engine-timeout"


class DeadlineExceeded(KoeError):
    code = "deadline-exceeded"


class DiskFailed(KoeError):
    """For whoever asks, an internal error like others."""


class Busy(KoeError):
    code = "busy"


class ShuttingDown(KoeError):
    code = "shutting-down"


class SettingsError(KoeError):
    code = "bad-settings"


def _declaring(kind: type[KoeError]) -> Iterator[type[KoeError]]:
    """Those with a code of their own: others fail under that of the class above."""
    if "code" in vars(kind):
        yield kind
    for each in kind.__subclasses__():
        yield from _declaring(each)


BY_CODE: Mapping[str, type[KoeError]] = {kind.code: kind for kind in _declaring(KoeError)}
"""What an error was that comes over a wire: the classes of this module, whatever else is loaded."""
