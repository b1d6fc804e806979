"""addon/ as Home Assistant's Supervisor takes it: which keys its config may have and of which kind, what its options
are, and that the options, their translations and the settings that they are are the same."""

import os
import re
import shutil
import struct
import subprocess
from pathlib import Path
from typing import Annotated, Any, Literal

import pytest
import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

import koe
from koe.settings import Settings, names
from tests.addon.start_script import ADDON, load

ROOT = ADDON.parent
CONFIG: dict[str, Any] = yaml.safe_load((ADDON / "config.yaml").read_text(encoding="utf-8"))
START = load()

Slug = Annotated[str, Field(pattern=r"^[-_.A-Za-z0-9]+$")]
Port = Annotated[int, Field(ge=1, le=65535)]
PortName = Annotated[str, Field(pattern=r"^\d{1,5}/(tcp|udp)$")]
Version = Annotated[str, Field(pattern=r"^\d+\.\d+(\.\d+)?$")]

OPTION = re.compile(
    r"(str|password|email|url|port|bool)\??|str\(\d*,\d*\)\??|(int|float)(\([\d.]*,[\d.]*\))?\??|"
    r"match\(.+\)\??|list\([^()]+\)\??"
)
"""What a value of `schema` may be, where it is no list of groups."""


OptionKind = Annotated[str, Field(pattern=rf"^({OPTION.pattern})$")]


class Rules(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class Mapped(Rules):
    type: Literal[
        "addon_config",
        "all_addon_configs",
        "addons",
        "backup",
        "data",
        "homeassistant_config",
        "media",
        "share",
        "ssl",
    ]
    read_only: bool = True
    path: str | None = None


class Config(Rules):
    """The keys that this add-on uses, of those that there are."""

    name: str
    version: Version
    slug: Slug
    description: str
    arch: Annotated[list[Literal["amd64", "aarch64"]], Field(min_length=1)]
    url: str | None = None
    image: str | None = None
    stage: Literal["stable", "experimental", "deprecated"] = "stable"
    homeassistant: Annotated[str, Field(pattern=r"^\d{4}\.\d{1,2}\.\d+$")]
    init: bool = True
    discovery: list[str]
    homeassistant_api: bool = False
    ingress: bool = False
    ingress_port: Annotated[int, Field(ge=0, le=65535)] = 8099
    ingress_entry: str | None = None
    ingress_stream: bool = False
    panel_icon: Annotated[str, Field(pattern=r"^mdi:[a-z0-9-]+$")] = "mdi:puzzle"
    panel_title: str | None = None
    ports: dict[PortName, Port | None]
    map: list[Mapped]
    backup: Literal["hot", "cold"] = "hot"
    backup_exclude: list[str] = []
    options: dict[str, Any]
    schema_: dict[str, OptionKind | list[dict[str, OptionKind]]] = Field(alias="schema")


class Words(Rules):
    name: Annotated[str, Field(min_length=1, max_length=60)]
    description: Annotated[str, Field(min_length=10)]


class Translation(Rules):
    configuration: dict[str, Words]
    network: dict[PortName, str]


class Repository(Rules):
    name: str
    url: str | None = None
    maintainer: str | None = None


def option(name: str) -> str:
    return str(CONFIG["schema"][name]).removesuffix("?")


def test_the_config_is_one() -> None:
    Config.model_validate(CONFIG)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("discoveries", ["wyoming"]),
        ("arch", ["amd64", "armv7"]),
        ("version", 0.1),
        ("ports", {"10210": 10210}),
        ("ports", {"10210/tcp": 0}),
        ("map", [{"type": "everything"}]),
        ("map", ["share:rw"]),
        ("schema", {"engine": "choice(a|b)"}),
        ("schema", {"engine": "int(1)"}),
        ("homeassistant", "2025"),
        ("slug", "ko e"),
        ("stage", "beta"),
        ("ingress_port", 70000),
    ],
)
def test_what_would_be_none_is_refused(key: str, value: object) -> None:
    with pytest.raises(ValidationError):
        Config.model_validate({**CONFIG, key: value})


def test_the_repository_can_be_added_as_it_is() -> None:
    Repository.model_validate(yaml.safe_load((ROOT / "repository.yaml").read_text(encoding="utf-8")))
    for name in ("Dockerfile", "README.md", "DOCS.md", "CHANGELOG.md", "apparmor.txt", "icon.png", "logo.png"):
        assert (ADDON / name).is_file(), name


def test_options_their_translations_and_the_settings_are_the_same_set() -> None:
    assert set(START.OPTIONS) == set(CONFIG["schema"])
    for file in (ADDON / "translations").iterdir():
        words = Translation.model_validate(yaml.safe_load(file.read_text(encoding="utf-8")))
        assert list(words.configuration) == list(CONFIG["schema"]), file
        assert set(words.network) == set(CONFIG["ports"]), file
    assert {file.name for file in (ADDON / "translations").iterdir()} == {"de.yaml", "en.yaml"}
    assert set(START.OPTIONS.values()) <= set(names.fields())
    assert len(set(START.OPTIONS.values())) == len(START.OPTIONS)


def test_options_have_the_defaults_and_the_choices_of_their_settings() -> None:
    for name, value in CONFIG["options"].items():
        assert names.plain_values(Settings())[START.OPTIONS[name]] == value
    for name in START.OPTIONS:
        schema = names.schemas()[START.OPTIONS[name]]
        if option(name).startswith("list("):
            choices = option(name).removeprefix("list(").removesuffix(")").split("|")
            # Tones are for those who test Koe.
            assert choices == [each for each in schema["enum"] if each != "fake"]
        elif option(name).startswith("int(") and schema.get("type") == "integer":
            assert option(name) == f"int({schema['minimum']},{schema['maximum']})"


def test_an_option_without_a_default_need_not_be_given() -> None:
    optional = {name for name, kind in CONFIG["schema"].items() if str(kind).endswith("?")}
    assert optional == set(CONFIG["schema"]) - set(CONFIG["options"])


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("engine", "qwen"),
        ("voice", "qwen-ryan"),
        ("language", "zh-Hant"),
        ("espeak_rate", 200),
        ("qwen_size", "1.7B"),
        ("transcription_server", "tcp://core-whisper:10300"),
        ("keep_days", 30),
        ("log_level", "debug"),
    ],
)
def test_what_an_option_takes_its_setting_takes(name: str, value: object, tmp_path: Path) -> None:
    if option(name).startswith("match("):
        assert re.match(option(name).removeprefix("match(").removesuffix(")"), str(value))
    variables = START.environment({"SUPERVISOR_TOKEN": "x"}, {name: value}, tmp_path)
    loaded = koe_settings({key: each for key, each in variables.items() if key.startswith("KOE_")})
    assert str(names.plain_values(loaded)[START.OPTIONS[name]]).removesuffix(".0") == str(value)


def koe_settings(variables: dict[str, str]) -> Settings:
    from koe.settings import load as load_settings

    return load_settings(environ=variables).settings


def test_servers_elsewhere_are_taken_with_their_keys(tmp_path: Path) -> None:
    given = {"engine": "remote", "remote_servers": [{"url": "http://gpu-box:10211", "api_key": "secret"}]}
    variables = START.environment({}, given, tmp_path)
    settings = koe_settings({key: each for key, each in variables.items() if key.startswith("KOE_")})
    (server,) = settings.engine.remote.servers
    assert server.url == "http://gpu-box:10211"
    assert server.api_key is not None and server.api_key.get_secret_value() == "secret"


def test_what_the_start_script_fixes_are_settings_that_fit(tmp_path: Path) -> None:
    variables = START.environment({"SUPERVISOR_TOKEN": "secret", "PATH": "/bin"}, {}, tmp_path)
    settings = koe_settings({key: each for key, each in variables.items() if key.startswith("KOE_")})
    assert settings.http.ingress
    assert [address.port for address in settings.http.listen] == [CONFIG["ingress_port"]]
    assert [address.port for address in settings.wyoming.listen] == [START.WYOMING_PORT]
    assert set(CONFIG["ports"]) == {f"{START.WYOMING_PORT}/tcp", f"{CONFIG['ingress_port']}/tcp"}
    assert settings.home_assistant.url == "http://supervisor/core"
    assert CONFIG["homeassistant_api"] and CONFIG["discovery"] == ["wyoming"]
    assert "SUPERVISOR_TOKEN" not in variables and variables["PATH"] == "/bin"


def test_options_that_are_empty_leave_the_settings_alone(tmp_path: Path) -> None:
    variables = START.environment({}, {"voice": "", "language": None}, tmp_path)
    assert not {"KOE_VOICE_DEFAULT", "KOE_VOICE_LANGUAGE", "KOE_HOME_ASSISTANT_URL"} & set(variables)


def test_voices_and_productions_lie_where_folders_are_mapped(tmp_path: Path) -> None:
    mapped = {"addon_config": "config", "media": "media"}
    writable = {mapped[each["type"]] for each in CONFIG["map"] if not each["read_only"]}
    assert {place.split("/")[0] for place in START.PLACES.values()} == writable
    for _ in range(2):
        START.lay_out(tmp_path)
        for name, place in START.PLACES.items():
            assert (tmp_path / "data" / name).resolve() == tmp_path / place
    # A link to where something was in an earlier version.
    (tmp_path / "data" / "voices").unlink()
    (tmp_path / "data" / "voices").symlink_to(tmp_path / "gone")
    START.lay_out(tmp_path)
    assert (tmp_path / "data" / "voices").resolve() == tmp_path / "config" / "voices"


def test_one_version_everywhere() -> None:
    assert CONFIG["version"] == koe.__version__
    assert [file.name for file in ADDON.glob("koe-*.whl")] == [f"koe-{koe.__version__}-py3-none-any.whl"]
    assert f"ARG BUILD_VERSION={koe.__version__}\n" in (ADDON / "Dockerfile").read_text(encoding="utf-8")
    assert f"## {koe.__version__}" in (ADDON / "CHANGELOG.md").read_text(encoding="utf-8")


def test_the_dockerfile_describes_the_image_as_home_assistant_asks() -> None:
    text = (ADDON / "Dockerfile").read_text(encoding="utf-8")
    assert re.search(r"^ARG BUILD_FROM=ghcr\.io/home-assistant/base-debian:\w+$", text, re.MULTILINE)
    assert "HEALTHCHECK" in text and f"127.0.0.1:{CONFIG['ingress_port']}/ready" in text
    for label in ('io.hass.type="app"', 'io.hass.version="', 'io.hass.arch="'):
        assert label in text
    assert not (ADDON / "build.yaml").exists()


@pytest.mark.parametrize(("name", "size"), [("icon.png", (128, 128)), ("logo.png", (250, 100))])
def test_pictures_have_the_size_that_the_store_shows(name: str, size: tuple[int, int]) -> None:
    data = (ADDON / name).read_bytes()
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    assert struct.unpack(">II", data[16:24]) == size


def test_the_service_of_the_base_image_is_whole() -> None:
    service = ADDON / "rootfs" / "etc" / "s6-overlay" / "s6-rc.d" / "koe"
    assert (service / "type").read_text().strip() == "longrun"
    assert all(os.access(service / name, os.X_OK) for name in ("run", "finish"))
    assert (service.parent / "user" / "contents.d" / "koe").is_file()
    assert "/usr/share/koe/start.py" in (service / "run").read_text()


def test_the_security_profile_is_one_and_lets_the_add_on_write_where_it_must() -> None:
    text = (ADDON / "apparmor.txt").read_text(encoding="utf-8")
    assert f"profile {CONFIG['slug']} " in text
    for place in ("/data/**", "/config/**", "/media/koe/**", "/tmp/**"):
        assert re.search(rf"^  {re.escape(place)} rwk", text, re.MULTILINE), place
    if parser := shutil.which("apparmor_parser"):
        parsed = subprocess.run([parser, "-Q", "-K", str(ADDON / "apparmor.txt")], capture_output=True, check=False)
        assert parsed.returncode == 0, parsed.stderr
