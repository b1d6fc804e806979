"""Speech servers elsewhere."""

from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import BeforeValidator, Field, SecretStr, Strict, field_validator, model_validator

from koe.settings.schema.section import Count, LanguageTag, Seconds, Section, split_text


class RemoteServer(Section):
    """A speech server elsewhere."""

    url: str = Field(max_length=1000)
    """Such as http://gpu-box:8091, without what stands behind the port in `/v1/audio/speech`."""

    api_key: SecretStr | None = None
    """Sent as a Bearer token; null: none is asked for."""

    api_key_file: str | None = Field(default=None, min_length=1, max_length=1000)
    """Instead: a file with the key; relative to the data folder."""

    kind: Literal["auto", "vllm-omni", "koe", "nari", "openai"] = "auto"
    """Whose way of speaking OpenAI's API it has; auto: as it tells."""

    model: str | None = Field(default=None, min_length=1, max_length=200)
    """The model to name in requests; null: none, the server has one."""

    task: Literal["auto", "CustomVoice", "VoiceDesign", "Base"] = "auto"
    """What its checkpoint is for; auto: as the model's name tells."""

    voices: Annotated[tuple[str, ...], Field(max_length=1000)] = ()
    """Only these of its voices; where the server doesn't list them, those that it has."""

    languages: Annotated[tuple[LanguageTag, ...], Field(max_length=100)] = ()
    """What its voices speak, where the server doesn't tell, the best first; empty: the ten of Qwen3-TTS."""

    weight: Annotated[float, Strict()] = Field(default=1.0, ge=0.01, le=100)
    """How many requests it bears, compared with the others."""

    upload: bool = False
    """A cloned voice is uploaded once and then named, not sent along with each request."""

    def __str__(self) -> str:
        return self.url

    @field_validator("url")
    @classmethod
    def _is_an_address(cls, url: str) -> str:
        url = url.rstrip("/").removesuffix("/v1")
        # What was written is not repeated: it may hold a password.
        wrong = "this is no address of a server: write one like http://192.168.1.5:8091"
        try:
            parts = urlsplit(url)
            usable = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0 and url.isprintable()
        except ValueError:
            raise ValueError(wrong) from None
        if not usable:
            raise ValueError(wrong)
        if "@" in parts.netloc:
            raise ValueError("leave user and password out of the address; a key belongs in api_key or api_key_file")
        if parts.query or parts.fragment:
            raise ValueError("leave out what stands behind ? or #")
        return url

    @model_validator(mode="after")
    def _has_one_key(self) -> "RemoteServer":
        if self.api_key is not None and self.api_key_file is not None:
            raise ValueError("either api_key or api_key_file")
        return self


def _as_servers(value: object) -> object:
    """One, or only addresses, may be written without ceremony."""
    listed = [value] if isinstance(value, dict | RemoteServer) else split_text(value)
    if not isinstance(listed, list | tuple) or not all(isinstance(each, str | dict | RemoteServer) for each in listed):
        # In words of its own: those of others repeat what was written, with its keys.
        raise ValueError("this is no list of servers: write an address, or several, or a url with further settings")
    return [{"url": each} if isinstance(each, str) else each for each in listed if each != ""]


class RemoteSettings(Section):
    servers: Annotated[tuple[RemoteServer, ...], BeforeValidator(_as_servers)] = Field(default=(), max_length=64)
    """Speech servers that speak for this one: vLLM-Omni, another Koe, others with OpenAI's speech API."""

    connect_timeout: Seconds = Field(default=3.0, ge=0.1, le=60)
    """Seconds to reach a server."""

    first_audio_timeout: Seconds = Field(default=8.0, ge=0.1, le=600)
    """Seconds from a request to its first sound, before another server is asked, or the fallback speaks."""

    chunk_timeout: Seconds = Field(default=10.0, ge=0.1, le=600)
    """Seconds between two pieces of sound."""

    check_interval: Seconds = Field(default=15.0, ge=0.1, le=3600)
    """Seconds between two looks at whether a server is well, and which voices it has."""

    max_requests: Count = Field(default=64, ge=1, le=4096)
    """To all servers together, at the same time; more wait."""

    lead_seconds: Seconds = Field(default=10.0, ge=0.5, le=600)
    """Seconds of audio that a stream may be ahead of its listener."""

    @field_validator("servers")
    @classmethod
    def _listed_once(cls, servers: tuple[RemoteServer, ...]) -> tuple[RemoteServer, ...]:
        urls = [server.url for server in servers]
        if twice := next((url for url in urls if urls.count(url) > 1), None):
            raise ValueError(f"{twice} is listed twice")
        return servers
