"""A run that is written while its sound is on its way to somebody."""

import contextlib
import json
from collections.abc import Mapping

from koe import disk
from koe.audio.files import AudioFormat, AudioWriter
from koe.pipelines.production_output import MANIFEST
from koe.storage.meta import Description
from koe.storage.outputs import Outputs
from koe.storage.run import Run


class KeptSound:
    """Whoever began it finishes it or discards it; the latter is harmless afterwards. All of it waits for the disk."""

    def __init__(
        self, outputs: Outputs, task: str, given: Mapping[str, object], format: AudioFormat, sample_rate: int
    ) -> None:
        """`given`: the request, as the run keeps it. Raises KoeError."""
        self._draft = outputs.begin(task, given)
        self._home = self._draft.folder.parent
        self.file = f"audio.{format}"
        try:
            with disk.told(self._home):
                self._writer = AudioWriter(self._draft.file(self.file), sample_rate)
        except BaseException:
            self._draft.discard()
            raise
        self.run_id = self._draft.id
        self._open = True

    def write(self, pcm: bytes) -> None:
        """Whole samples. Raises KoeError."""
        with disk.told(self._home):
            self._writer.write(pcm)

    def finish(
        self,
        description: Description,
        given: Mapping[str, object] | None = None,
        manifest: Mapping[str, object] | None = None,
    ) -> Run:
        """From here on the run is there. `given`: the request, where it is known whole only now; `manifest`: of what
        it is made up. Raises KoeError."""
        with disk.told(self._home):
            self._open = False
            self._writer.__exit__(None, None, None)
            if manifest is not None:
                written = json.dumps(manifest, ensure_ascii=False, indent=2)
                self._draft.file(MANIFEST).write_bytes(written.encode(errors="replace"))
        if given is not None:
            self._draft.ask(given)
        return self._draft.finish(description)

    def discard(self) -> None:
        if self._open:
            self._open = False
            with contextlib.suppress(OSError):
                self._writer.__exit__(GeneratorExit, None, None)
        self._draft.discard()
