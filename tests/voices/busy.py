"""Add 30 voices and remove every other one, once told to on stdin: `python -m tests.voices.busy HOUSE LETTER`."""

import sys
from pathlib import Path

from koe.voices.store import VoiceStore
from tests.voices.samples import clip, cloned

VOICES = 30


def main(house: Path, letter: str) -> None:
    store = VoiceStore(house)
    wavs = [clip(1), clip(2)]
    print("ready", flush=True)
    sys.stdin.readline()
    for number in range(VOICES):
        store.add(cloned(f"{letter}{number}", *wavs), wavs)
        if number % 2:
            store.remove(f"{letter}{number - 1}")


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
