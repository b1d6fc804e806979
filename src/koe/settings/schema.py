"""Every setting, its default, its limits, and what it is for. A secret is a pydantic SecretStr, which no answer
and no list shows; `config/koe.example.yaml` tells users more."""

import re
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    PlainValidator,
    SecretStr,
    Strict,
    field_validator,
    model_validator,
)

from koe.settings.listen import ListenAddress

CURRENT_VERSION = 2

MIB = 1024 * 1024
DAY = 86400.0

# Strict, because otherwise `true` would pass as 1.
Count = Annotated[int, Strict()]
Seconds = Annotated[float, Strict()]

StyleName = Annotated[str, Field(min_length=1, max_length=40)]
StyleText = Annotated[str, Field(min_length=1, max_length=1000)]

EngineName = Literal["espeak", "qwen", "remote", "fake"]

_WEB_ADDRESS = re.compile(r"https?://(\[[0-9A-Fa-f:.]+\]|[\w.-]+)(:\d{1,5})?(/[\w./-]*)?")

_LANGUAGE_TAG = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{1,8})*")


def _language_tag(language: str) -> str:
    if not _LANGUAGE_TAG.fullmatch(language):
        raise ValueError(f"{language!r} is no language tag: write one like de, en-GB or zh-Hant")
    return language


LanguageTag = Annotated[str, AfterValidator(_language_tag)]


def _listen_address(value: object) -> ListenAddress:
    return value if isinstance(value, ListenAddress) else ListenAddress.parse(str(value))


def _split_text(value: object) -> object:
    """One text may hold several addresses, so that a variable or a flag needs no YAML list."""
    return [part.strip() for part in value.split(",")] if isinstance(value, str) else value


Listen = Annotated[ListenAddress, PlainValidator(_listen_address), PlainSerializer(str)]


class Section(BaseModel):
    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        coerce_numbers_to_str=True,
        validate_default=True,
        use_attribute_docstrings=True,
    )


class LogSettings(Section):
    level: Literal["debug", "info", "warning", "error"] = "info"
    """How much is told."""

    format: Literal["human", "json"] = "human"
    """To read, or one object a line for programs."""


class EspeakSettings(Section):
    rate: Count = Field(default=175, ge=80, le=450)
    """Words per minute."""

    pitch: Count = Field(default=50, ge=0, le=99)
    """0 is deep, 99 high."""


class QwenSettings(Section):
    enabled: bool = True
    """Offer Qwen3-TTS where it is installed and one of its checkpoints is found."""

    size: Literal["0.6B", "1.7B"] = "0.6B"
    """The preferred one, where a request can be served by both."""

    checkpoint: str | None = Field(default=None, min_length=1, max_length=200)
    """Name of the one to use, for what it can do; null: whichever fits the request."""

    device: Literal["auto", "cuda", "mps", "cpu"] = "auto"
    """Where to compute; auto: the fastest there is."""

    dtype: Literal["auto", "float32", "bfloat16", "float16"] = "auto"
    """How exactly to compute; auto: what suits the device."""

    precision: Literal["auto", "fp32", "int8", "int4"] = "auto"
    """Bits of the weights on a CPU: int8 is several times as fast as fp32, int4 faster still and less exact; auto: int8
    where a CPU computes and dtype is auto."""

    slow: Literal["buffer", "fallback"] = "buffer"
    """For rooms, where this machine takes longer to make speech than to play it. buffer: speech begins later, so that
    it has no gaps; fallback: the fallback voice speaks."""

    slots: Count = Field(default=4, ge=1, le=64)
    """Streams that speak at the same time; more wait."""

    lead_seconds: Seconds = Field(default=10.0, ge=0.5, le=600)
    """Seconds of audio that a stream may be ahead of its listener."""

    text_wait: Seconds = Field(default=1.5, ge=0.1, le=600)
    """Seconds after which a live text that pauses behind a sentence is spoken as if it ended there; within a sentence
    its speech waits."""

    warm_up: bool = True
    """Load at the start, not with the first request."""

    idle_unload: Seconds | None = Field(default=None, ge=1, le=DAY)
    """Seconds without a request after which the memory is given back; null: never."""

    loaded: Count = Field(default=1, ge=1, le=8)
    """Checkpoints that are kept in memory."""

    styles: dict[StyleName, StyleText] = {
        "calm": "Speak calmly, gently and a little slower.",
        "cheerful": "Speak in a bright, cheerful and friendly tone.",
        "news": "Read clearly and evenly, like a newsreader.",
        "urgent": "Speak urgently and firmly, like an important announcement.",
        "whisper": "Whisper softly, as if someone were asleep in the room.",
    }
    """What a voice is told for a style that a request names."""


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
    listed = [value] if isinstance(value, dict | RemoteServer) else _split_text(value)
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


class FakeSettings(Section):
    enabled: bool = False
    """Offer the engine that speaks tones, for trying out and for tests."""


class EngineSettings(Section):
    default: Literal["auto", "espeak", "qwen", "remote", "fake"] = "auto"
    """auto: remote where it has servers, else qwen where it is installed and has a checkpoint, else espeak."""

    fallback: EngineName | None = "espeak"
    """Speaks where the engine can't that was to speak; null: nothing stands in, and the request fails."""

    espeak: EspeakSettings = EspeakSettings()

    qwen: QwenSettings = QwenSettings()

    remote: RemoteSettings = RemoteSettings()

    fake: FakeSettings = FakeSettings()

    @model_validator(mode="after")
    def _fake_is_enabled(self) -> "EngineSettings":
        if "fake" in (self.default, self.fallback) and not self.fake.enabled:
            raise ValueError("the fake engine is chosen, but engine.fake.enabled is false")
        return self

    @model_validator(mode="after")
    def _remote_has_servers(self) -> "EngineSettings":
        if "remote" in (self.default, self.fallback) and not self.remote.servers:
            raise ValueError("the remote engine is chosen, but engine.remote.servers names no server")
        return self


class VoiceSettings(Section):
    default: str | None = Field(default=None, min_length=1, max_length=200)
    """Voice id; null: the best voice of the language."""

    language: LanguageTag | None = None
    """BCP-47 tag, used where a request names neither voice nor language; null: the system's, else English."""


class SpeechSettings(Section):
    """Limits of one request."""

    max_characters: Count = Field(default=50_000, ge=1, le=10_000_000)
    """Characters of text."""

    max_seconds: Seconds = Field(default=1800.0, ge=1, le=DAY)
    """Seconds of audio."""

    first_audio_timeout: Seconds = Field(default=15.0, ge=0.1, le=3600)
    """Seconds from the first text that can be spoken to the first audio."""

    chunk_timeout: Seconds = Field(default=15.0, ge=0.1, le=3600)
    """Seconds between two pieces of audio."""

    request_timeout: Seconds = Field(default=3600.0, ge=1, le=DAY)
    """Seconds for the whole request, once its turn has come."""

    text_timeout: Seconds = Field(default=120.0, ge=0.1, le=DAY)
    """Seconds to wait for more of a live text."""

    sample_rate: Count | None = Field(default=None, ge=8000, le=48000)
    """Hz of what is sent; null: as the engine speaks."""


class WyomingSettings(Section):
    listen: Annotated[tuple[Listen, ...], BeforeValidator(_split_text)] = Field(
        default=(ListenAddress("tcp", "*", 10210),), min_length=1, max_length=64
    )
    """Where Home Assistant and other Wyoming clients reach it; `*` is every address of this machine."""

    max_connections: Count = Field(default=256, ge=1, le=65536)
    """At once, in all."""

    max_connections_per_address: Count = Field(default=64, ge=1, le=65536)
    """At once, from one address."""

    idle_timeout: Seconds = Field(default=60.0, ge=0.1, le=DAY)
    """Seconds after which a connection that says nothing is closed."""

    write_timeout: Seconds = Field(default=30.0, ge=0.1, le=3600)
    """Seconds to wait for a client that has stopped reading."""

    max_header_bytes: Count = Field(default=65536, ge=1024, le=16 * MIB)
    """Of a message's first part."""

    max_data_bytes: Count = Field(default=MIB, ge=1024, le=64 * MIB)
    """Of a message's second part."""

    max_payload_bytes: Count = Field(default=MIB, ge=0, le=64 * MIB)
    """Of a message's third part."""

    max_nesting: Count = Field(default=16, ge=4, le=200)
    """Levels of JSON."""

    max_waiting_requests: Count = Field(default=4, ge=1, le=1000)
    """Requests that wait their turn on one connection."""

    @field_validator("listen")
    @classmethod
    def _listed_once(cls, listen: tuple[ListenAddress, ...]) -> tuple[ListenAddress, ...]:
        fixed = [address for address in listen if address.port or address.path]
        if twice := next((address for address in fixed if fixed.count(address) > 1), None):
            raise ValueError(f"{twice} is listed twice")
        return listen


class DiscoverySettings(Section):
    enabled: bool = True
    """Let Home Assistant find Koe by itself."""

    check_interval: Seconds = Field(default=30.0, ge=1, le=DAY)
    """Seconds between two looks at the machine's addresses."""


class StopSettings(Section):
    grace: Seconds = Field(default=5.0, ge=0, le=600)
    """Seconds that running speech may go on after the request to stop."""


class HttpSettings(Section):
    enabled: bool = True
    """Offer HTTP at all."""

    listen: Annotated[tuple[Listen, ...], BeforeValidator(_split_text)] = Field(
        default=(ListenAddress.parse("tcp://127.0.0.1:10211"),), min_length=1, max_length=20
    )
    """Where other programs and the admin page reach it; every address but a loopback one asks for the token."""

    token_file: str | None = Field(default=None, min_length=1, max_length=1000)
    """Where the token is kept; null: config/token in the data folder."""

    allowed_hosts: tuple[Annotated[str, Field(min_length=1, max_length=253)], ...] = Field(default=(), max_length=20)
    """Names besides its own addresses under which browsers may reach it."""

    ingress: bool = False
    """Behind Home Assistant's ingress: the Supervisor's address needs no token."""

    certificate: str | None = Field(default=None, min_length=1, max_length=1000)
    """PEM file; with it and its key, https."""

    key: str | None = Field(default=None, min_length=1, max_length=1000)
    """PEM file of the certificate's key."""

    max_body_bytes: Count = Field(default=MIB, ge=1024, le=64 * MIB)
    """Of a request."""

    max_upload_bytes: Count = Field(default=64 * MIB, ge=MIB, le=1024 * MIB)
    """Of a request with files."""

    max_connections: Count = Field(default=256, ge=1, le=65536)
    """At once, in all."""

    max_connections_per_address: Count = Field(default=64, ge=1, le=65536)
    """At once, from one address."""

    requests_per_minute: Count = Field(default=600, ge=1, le=1_000_000)
    """Requests from one address."""

    max_speaking: Count = Field(default=4, ge=1, le=1024)
    """Requests that speak at the same time; more wait."""

    max_waiting: Count = Field(default=16, ge=0, le=1024)
    """Requests that wait their turn; more are told to try again later."""

    wait_timeout: Seconds = Field(default=30.0, ge=0.1, le=3600)
    """Seconds that a request waits its turn."""

    idle_timeout: Seconds = Field(default=60.0, ge=1, le=DAY)
    """Seconds without a word after which a WebSocket or a slow body is given up."""

    write_timeout: Seconds = Field(default=30.0, ge=1, le=DAY)
    """Seconds after which a listener that takes no more is given up."""


class OutputsSettings(Section):
    keep_rooms: bool = False
    """Keep what is said to rooms (to Wyoming clients such as Home Assistant) as runs; batches always are."""

    max_age_days: Seconds | None = Field(default=None, gt=0, le=36500)
    """Older runs are removed, except favourite and pinned ones; null: never."""

    max_bytes: Count | None = Field(default=None, ge=MIB)
    """Of all runs together; beyond it the oldest go; null: no limit."""


class JobsSettings(Section):
    side_by_side: Count = Field(default=4, ge=1, le=64)
    """Items of a job that are spoken at the same time; rooms go first all the same."""

    max_waiting: Count = Field(default=50, ge=1, le=10_000)
    """Jobs that haven't ended; more are refused."""


class TranscriptionSettings(Section):
    server: str | None = Field(default=None, max_length=300)
    """A Wyoming speech-to-text server, such as tcp://192.168.1.5:10300; null: one that announces itself."""

    timeout: Seconds = Field(default=60.0, ge=1, le=3600)
    """Seconds that it may take."""

    @field_validator("server")
    @classmethod
    def _is_one_address(cls, server: str | None) -> str | None:
        if server is not None and ListenAddress.parse(server).every_address:
            raise ValueError(f"{server} is no address of one server: write one like tcp://192.168.1.5:10300")
        return server


class HomeAssistantSettings(Section):
    url: str | None = Field(default=None, max_length=300)
    """Where Home Assistant is, such as http://homeassistant.local:8123; null: announcements don't go through it."""

    token: SecretStr | None = Field(default=None, min_length=1, max_length=1000)
    """A long-lived access token of one of its administrators."""

    tts_entity: str = Field(default="tts.koe", pattern=r"^tts\.[a-z0-9_]+$")
    """This server in Home Assistant, which speaks announcements that name a voice."""

    @field_validator("url")
    @classmethod
    def _is_an_address(cls, url: str | None) -> str | None:
        if url is not None and not _WEB_ADDRESS.fullmatch(url):
            raise ValueError(f"{url!r} is no address of Home Assistant: write one like http://homeassistant.local:8123")
        return url

    @model_validator(mode="after")
    def _needs_both(self) -> "HomeAssistantSettings":
        if (self.url is None) is not (self.token is None):
            raise ValueError("home_assistant.url and home_assistant.token only work together: set both, or neither")
        return self


class AnnounceSettings(Section):
    satellites: bool = True
    """Look for Wyoming satellites on this network, and announce on those that no Home Assistant holds."""

    timeout: Seconds = Field(default=110.0, ge=1, le=3600)
    """Seconds that an announcement may take in a room."""


class WordsSettings(Section):
    whisper: str | None = Field(default=None, min_length=1, max_length=1000)
    """A model for faster-whisper: its folder, or its name where it was downloaded before; null: only words in English
    can be timed."""


class Settings(Section):
    version: Literal[2] = 2
    """Of the file's layout."""

    name: str = Field(default="Koe", min_length=1)
    """What Home Assistant shows; at most 63 bytes, as it is announced as one DNS label."""

    log: LogSettings = LogSettings()
    engine: EngineSettings = EngineSettings()
    voice: VoiceSettings = VoiceSettings()
    speech: SpeechSettings = SpeechSettings()
    wyoming: WyomingSettings = WyomingSettings()
    http: HttpSettings = HttpSettings()
    discovery: DiscoverySettings = DiscoverySettings()
    outputs: OutputsSettings = OutputsSettings()
    jobs: JobsSettings = JobsSettings()
    transcription: TranscriptionSettings = TranscriptionSettings()
    home_assistant: HomeAssistantSettings = HomeAssistantSettings()
    announce: AnnounceSettings = AnnounceSettings()
    words: WordsSettings = WordsSettings()
    stop: StopSettings = StopSettings()

    @field_validator("name")
    @classmethod
    def _fits_a_dns_label(cls, name: str) -> str:
        if not name.strip() or not name.isprintable():
            raise ValueError("a name needs letters that can be seen, and no line breaks")
        if len(name.encode()) > 63:
            raise ValueError(f"{name!r} is too long to be announced: at most 63 bytes")
        return name
