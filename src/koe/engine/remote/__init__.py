"""Speech servers elsewhere as an engine: vLLM-Omni, another Koe, and other servers with OpenAI's speech API.

    RemoteEngine -> RemoteStream -> Fleet (which server, and another one where it fails) -> Server -> answer -> PCM

The only addresses that are ever asked are those of the settings; a voice's reference is sent along as a recording.
"""

from koe.engine.remote.engine import RemoteEngine
from koe.engine.remote.server import ServerState

__all__ = ["RemoteEngine", "ServerState"]
