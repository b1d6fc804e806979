"""Die at each step of a change: `python -m tests.voices.crash CHANGE TEMPLATE FOLDER`.

For N = 1, 2, ... the template is copied to FOLDER/N, and a child that makes the change there is killed right before
its N-th touch of the file system; the last folder is the one in which it got to the end.
"""

import os
import shutil
import signal
import sys
import traceback
from collections.abc import Callable
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import NoReturn

from koe.voices.store import VoiceStore
from tests.voices.samples import clip, cloned, reference

TOUCHES = frozenset(
    ["open", "os.rename", "os.remove", "os.rmdir", "os.mkdir", "os.link", "os.truncate", "shutil.rmtree"]
)

ONE, TWO, THREE = clip(1), clip(2), clip(3)


def add(store: VoiceStore) -> None:
    store.add(cloned("anna", ONE, TWO), [ONE, TWO])


def change_clips(store: VoiceStore) -> None:
    kept = store.get("anna").references[1]
    store.replace(cloned("anna", name="Anne", references=(reference(THREE), kept)), [THREE])


def change_name(store: VoiceStore) -> None:
    store.replace(replace(store.get("anna"), name="Anne"))


def remove(store: VoiceStore) -> None:
    store.remove("anna")


CHANGES: dict[str, Callable[[VoiceStore], None]] = {
    each.__name__: each for each in (add, change_clips, change_name, remove)
}


def main(change: str, template: Path, folder: Path) -> None:
    for step in count(1):
        house = folder / str(step)
        shutil.copytree(template, house)
        child = os.fork()
        if child == 0:
            _change(CHANGES[change], house, step)
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        if status == 0:
            return
        if status != -signal.SIGKILL:
            raise SystemExit(f"step {step} ended with {status}")


def _change(change: Callable[[VoiceStore], None], house: Path, deadly: int) -> NoReturn:
    touches = count(1)

    def touch() -> None:
        if next(touches) == deadly:
            os.kill(os.getpid(), signal.SIGKILL)

    def audit(event: str, _arguments: object) -> None:
        if event in TOUCHES:
            touch()

    def fsync(handle: int) -> None:
        # The one step that Python doesn't report: what was written may not be on the disk yet.
        touch()
        really_fsync(handle)

    really_fsync = os.fsync
    os.fsync = fsync  # type: ignore[assignment]
    sys.addaudithook(audit)
    try:
        change(VoiceStore(house))
    except BaseException:
        traceback.print_exc()
        os._exit(1)
    os._exit(0)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]))
