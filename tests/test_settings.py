"""Settings from the file, the environment and the command line, and what is said about wrong ones."""

import os
import re
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from koe.core.errors import KoeError, SettingsError
from koe.settings import ListenAddress, LiveSettings, Loaded, Settings, SourceKind, load, names
from koe.settings.changeable import effect
from koe.settings.live import Refused, Why
from koe.settings.names import fields, takes, variables

EXAMPLE = Path(__file__).parents[1] / "config" / "koe.example.yaml"


@pytest.fixture
def config(tmp_path: Path) -> Path:
    (tmp_path / "config").mkdir()
    return tmp_path / "config" / "koe.yaml"


def read(config: Path, text: str | None = None, **variables: str) -> Loaded:
    """Load the data folder of that file, after writing it, with these variables and no others."""
    if text is not None:
        config.write_text(text, encoding="utf-8")
    return load(config.parents[1], environ=variables)


def complaint(config: Path, text: str | None = None, **variables: str) -> str:
    with pytest.raises(SettingsError) as caught:
        read(config, text, **variables)
    return caught.value.message


# --- where they come from


def test_without_a_file_everything_is_default(config: Path) -> None:
    loaded = read(config)
    assert loaded.settings == Settings()
    assert loaded.config_file == config
    assert {str(source) for source in loaded.sources.values()} == {"default"}


def test_command_line_wins_over_environment_over_file_over_default(config: Path) -> None:
    config.write_text("engine: {espeak: {rate: 100, pitch: 10}}\nname: File\nlog: {level: error}\n")
    loaded = load(
        config.parents[1],
        {"name": "Flag"},
        {"KOE_NAME": "Variable", "KOE_ENGINE_ESPEAK_RATE": "200"},
    )
    assert loaded.settings.name == "Flag"
    assert loaded.settings.engine.espeak.rate == 200
    assert loaded.settings.engine.espeak.pitch == 10
    assert loaded.settings.engine.default == "auto"
    assert str(loaded.sources["name"]) == "command line"
    assert str(loaded.sources["engine.espeak.rate"]) == "KOE_ENGINE_ESPEAK_RATE"
    assert str(loaded.sources["log.level"]) == f"{config} line 3"
    assert loaded.sources["engine.default"].kind is SourceKind.DEFAULT


def test_the_example_is_every_setting_at_its_default(config: Path) -> None:
    text = EXAMPLE.read_text(encoding="utf-8")
    uncommented = re.sub(r"^( *)#(?=(?:  )?[a-z_]+:)", r"\1", text, flags=re.MULTILINE)
    loaded = read(config, uncommented)
    assert loaded.settings == Settings()
    assert all(source.kind is SourceKind.FILE for source in loaded.sources.values())


def test_styles_are_replaced_as_a_whole(config: Path) -> None:
    loaded = read(config, "engine:\n  qwen:\n    styles:\n      pirate: Talk like a pirate.\n")
    assert loaded.settings.engine.qwen.styles == {"pirate": "Talk like a pirate."}
    assert str(loaded.sources["engine.qwen.styles"]).endswith("koe.yaml line 3")
    variable = read(config, "", KOE_ENGINE_QWEN_STYLES="{sad: Speak sadly.}")
    assert variable.settings.engine.qwen.styles == {"sad": "Speak sadly."}


def test_a_style_is_a_text(config: Path) -> None:
    assert "names with their texts" in complaint(config, KOE_ENGINE_QWEN_STYLES="[sad]")
    assert "engine.qwen.styles.sad" in complaint(config, KOE_ENGINE_QWEN_STYLES="{sad: ''}")


def test_the_example_changes_nothing_as_it_is(config: Path) -> None:
    assert read(config, EXAMPLE.read_text(encoding="utf-8")).settings == Settings()


@pytest.mark.parametrize("text", ["", "# only a comment\n", "---\n", "null\n", "wyoming:\nlog:\n", "{}"])
def test_files_that_say_nothing_are_fine(config: Path, text: str) -> None:
    assert read(config, text).settings == Settings()


def test_a_byte_order_mark_and_windows_line_ends_are_fine(config: Path) -> None:
    config.write_bytes("\ufeffname: Küche\r\nlog:\r\n  level: debug\r\n".encode())
    loaded = read(config)
    assert (loaded.settings.name, loaded.settings.log.level) == ("Küche", "debug")


def test_data_dir_is_the_given_then_the_variable_then_the_clone(tmp_path: Path) -> None:
    given, variable = tmp_path / "given", tmp_path / "variable"
    assert load(given, environ={"KOE_DATA_DIR": str(variable)}).data_dir == given
    assert load(environ={"KOE_DATA_DIR": str(variable)}).data_dir == variable
    assert load(environ={"KOE_DATA_DIR": ""}).data_dir == Path(__file__).parents[1]


def test_a_file_can_be_named_and_must_then_be_there(tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    with pytest.raises(SettingsError, match="no settings file"):
        load(tmp_path, environ={}, config_file=file)
    file.write_text("name: Mine")
    assert load(tmp_path, environ={"KOE_CONFIG": str(file)}).settings.name == "Mine"
    assert load(tmp_path, environ={}, config_file=file).config_file == file


# --- values


@pytest.mark.parametrize(
    ("variable", "text", "name", "value"),
    [
        ("KOE_NAME", "Oben: links # 2", "name", "Oben: links # 2"),
        ("KOE_NAME", "007", "name", "007"),
        ("KOE_VOICE_DEFAULT", "null", "voice.default", None),
        ("KOE_VOICE_LANGUAGE", "no", "voice.language", "no"),
        ("KOE_ENGINE_FALLBACK", "null", "engine.fallback", None),
        ("KOE_DISCOVERY_ENABLED", "off", "discovery.enabled", False),
        ("KOE_STOP_GRACE", "0.5", "stop.grace", 0.5),
        ("KOE_SPEECH_SAMPLE_RATE", "016000", "speech.sample_rate", 16000),
    ],
)
def test_variables_are_read_as_people_mean_them(
    config: Path, variable: str, text: str, name: str, value: object
) -> None:
    found: object = read(config, **{variable: text}).settings
    for part in name.split("."):
        found = getattr(found, part)
    assert found == value


@pytest.mark.parametrize(
    "text",
    ["tcp://*:10210, unix:///run/koe.sock", '["tcp://*:10210", "unix:///run/koe.sock"]'],
)
def test_a_variable_takes_several_addresses(config: Path, text: str) -> None:
    listen = read(config, KOE_WYOMING_LISTEN=text).settings.wyoming.listen
    assert [str(address) for address in listen] == ["tcp://*:10210", "unix:///run/koe.sock"]


def test_norwegian_in_the_file_is_a_language(config: Path) -> None:
    assert read(config, "voice: {language: no}").settings.voice.language == "no"


def test_empty_variables_count_as_not_set(config: Path) -> None:
    assert read(config, KOE_LOG_LEVEL="", KOE_WYOMING_LISTEN=" ").settings == Settings()


@pytest.mark.parametrize(
    ("uri", "address"),
    [
        ("tcp://*:10210", ListenAddress("tcp", "*", 10210)),
        ("tcp://localhost:0", ListenAddress("tcp", "localhost", 0)),
        ("tcp://[fe80::1%eth0]:80", ListenAddress("tcp", "fe80::1%eth0", 80)),
        ("unix:///tmp/a b.sock", ListenAddress("unix", path="/tmp/a b.sock")),
    ],
)
def test_listen_addresses_are_read_and_written_alike(uri: str, address: ListenAddress) -> None:
    assert ListenAddress.parse(uri) == address
    assert str(address) == uri


@pytest.mark.parametrize(
    "uri",
    ["", "10210", "tcp://:10210", "tcp://::1:10210", "tcp://a:65536", "http://a:1", "unix://sock", "tcp://a"],
)
def test_other_listen_addresses_are_refused(uri: str) -> None:
    with pytest.raises(ValueError, match=r"tcp://\*:10210|65535"):
        ListenAddress.parse(uri)


def test_every_setting_has_one_variable_and_can_say_what_it_takes() -> None:
    assert len(variables()) == len(fields()) - 1
    assert all(takes(field) for field in fields().values())


# --- what is wrong with them


@pytest.mark.parametrize("token", ["[hush-hush]", "{hush: hush}", f"{'hush' * 1000}"])
def test_a_wrong_secret_is_not_repeated(config: Path, token: str) -> None:
    message = complaint(config, f"home_assistant: {{url: 'http://home:8123', token: {token}}}")
    assert "home_assistant.token" in message and "this isn't right; it takes text" in message
    assert "hush" not in message


def test_a_secret_is_no_part_of_what_is_shown(config: Path) -> None:
    loaded = read(config, KOE_HOME_ASSISTANT_URL="http://home:8123", KOE_HOME_ASSISTANT_TOKEN="12345")
    token = loaded.settings.home_assistant.token
    assert token is not None and token.get_secret_value() == "12345"
    assert "12345" not in f"{loaded.settings} {names.plain_values(loaded.settings)}"


def test_every_problem_is_listed_at_once(config: Path) -> None:
    text = "nmae: Koe\nengine:\n  espeak:\n    rate: 1000\n"
    message = complaint(config, text, KOE_LOG_LEVEL="loud", KOE_WYOMING_MAX_CONECTIONS="3")
    assert message.startswith("4 settings are wrong:")
    assert f"nmae ({config} line 1) is no setting of Koe; did you mean name?" in message
    expected = "1000 isn't right; it takes a whole number from 80 to 450"
    assert f"engine.espeak.rate ({config} line 4): {expected}" in message
    assert "log.level (KOE_LOG_LEVEL): 'loud' isn't right; it takes debug or info or warning or error" in message
    assert "KOE_WYOMING_MAX_CONECTIONS is no setting of Koe; did you mean KOE_WYOMING_MAX_CONNECTIONS?" in message


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("rate: 100", "did you mean engine.espeak.rate?"),
        ("wyoming: {max_conections: 1}", "wyoming.max_conections"),
        ("wyoming: 5", "is a section"),
        ("name: {a: 1}", "it takes text"),
        ("log: {level: [info]}", "it takes debug"),
        ("engine: {espeak: {rate: true}}", "True isn't right"),
        ("engine: {espeak: {rate: .nan}}", "'.nan' isn't right"),
        ("stop: {grace: 1e999}", "it takes a number from 0 to 600"),
        ("wyoming: {listen: []}", "wyoming.listen"),
        ("wyoming: {listen: [10210]}", "is no address to listen on"),
        ("wyoming: {listen: ['tcp://a:1', 'tcp://a:1']}", "listed twice"),
        ("voice: {language: Deutsch!}", "is no language tag"),
        ("engine: {default: fake}", "engine.fake.enabled is false"),
        ("engine: {default: qwenn}", "it takes auto or espeak or qwen or remote or fake"),
        ("home_assistant: {url: homeassistant.local, token: x}", "write one like http://homeassistant.local:8123"),
        ("home_assistant: {url: 'http://me:pw@home:8123', token: x}", "is no address of Home Assistant"),
        ("home_assistant: {token: x}", "set both, or neither"),
        ("home_assistant: {tts_entity: koe}", "'koe' isn't right; it takes text"),
        (f"name: {'ö' * 40}", "at most 63 bytes"),
        ('name: "  "', "needs letters"),
    ],
)
def test_wrong_values_are_named(config: Path, text: str, expected: str) -> None:
    assert expected in complaint(config, text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("name: [a\n", "line 2, column 1"),
        ("log:\n\tlevel: info\n", "line 2, column 1"),
        ("name: a\nlog: {}\nname: b\n", "line 3: 'name' is there twice, first in line 1"),
        ("name: !secret koe\n", "line 1, column 7"),
        ("name: a\n---\nname: b\n", "line 2"),
        ("- name\n", "name: value"),
        ("name: \x07\n", "line 1"),
        ("a: " + "[" * 5000, "nested too deeply"),
        ("a: &a {b: *a}", "nested too deeply"),
        ("name: Koe\nvoice:\n  default: !!int x", "line 3: the value doesn't fit its tag"),
        ("name: !!timestamp x", "line 1: the value doesn't fit its tag"),
        ("name: !!bool x", "line 1: the value doesn't fit its tag"),
    ],
)
def test_damaged_files_say_where(config: Path, text: str, expected: str) -> None:
    message = complaint(config, text)
    assert message.startswith(str(config))
    assert expected in message


def test_files_that_are_no_text_are_refused(config: Path) -> None:
    config.write_bytes("name: Koe\nvoice:\n  default: Müller\n".encode("latin-1"))
    assert "line 3: this is not UTF-8" in complaint(config)
    config.write_bytes(b"#" * 300_000)
    assert "larger than 256 KiB" in complaint(config)
    config.unlink()
    config.mkdir()
    assert "is a folder" in complaint(config)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read_is_named(config: Path) -> None:
    config.write_text("name: Koe")
    config.chmod(0)
    assert f"{config} can't be read: Permission denied" in complaint(config)


def test_a_data_folder_that_is_a_file_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    with pytest.raises(SettingsError, match="is a file"):
        load(file, environ={})


def test_unknown_overrides_are_refused_with_the_nearest_name(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"did you mean discovery\.enabled\?"):
        load(tmp_path, {"discovery.enable": "true"}, {})


# --- older files

VERSION_1 = "# my house\nversion: 1\nhost: '::'\nport: 10300\nvoice: espeak-de\nlog_level: DEBUG\n"


def test_version_1_is_brought_up_to_date_and_backed_up(config: Path) -> None:
    loaded = read(config, VERSION_1)
    assert loaded.settings.wyoming.listen == (ListenAddress("tcp", "::", 10300),)
    assert (loaded.settings.voice.default, loaded.settings.log.level) == ("espeak-de", "debug")
    assert config.with_name("koe.yaml.v1.backup").read_text() == VERSION_1
    assert "koe.yaml.v1.backup" in loaded.notices[0]
    again = read(config)
    assert again.settings == loaded.settings
    assert again.notices == ()
    assert sorted(file.name for file in config.parent.iterdir()) == ["koe.yaml", "koe.yaml.v1.backup"]


def test_backups_are_never_overwritten(config: Path) -> None:
    read(config, VERSION_1)
    read(config, VERSION_1)
    read(config, VERSION_1 + "# changed\n")
    assert config.with_name("koe.yaml.v1.backup").read_text() == VERSION_1
    assert config.with_name("koe.yaml.v1.backup.2").read_text() == VERSION_1 + "# changed\n"
    assert not config.with_name("koe.yaml.v1.backup.3").exists()


@pytest.mark.parametrize("text", ["port: 10300\n", "voice: espeak-de\n", "log_level: info\n"])
def test_a_file_without_version_but_with_old_keys_is_version_1(config: Path, text: str) -> None:
    assert read(config, text).notices
    assert "version: 2" in config.read_text()


def test_what_has_no_place_in_the_new_layout_is_refused_and_the_file_left_alone(config: Path) -> None:
    text = "version: 1\nport: 1\nwyoming: {listen: ['tcp://*:2']}\ncolour: red\n"
    message = complaint(config, text)
    assert "port" in message
    assert "colour" in message
    assert config.read_text() == text
    assert list(config.parent.iterdir()) == [config]


def test_where_the_disk_refuses_the_old_file_works_as_it_is(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(Path, "replace", refuse)
    loaded = read(config, VERSION_1)
    assert loaded.settings.voice.default == "espeak-de"
    assert "Read-only file system" in loaded.notices[0]
    assert config.read_text() == VERSION_1


@pytest.mark.parametrize("version", ["3", "99"])
def test_a_newer_file_is_refused(config: Path, version: str) -> None:
    assert "newer Koe" in complaint(config, f"version: {version}\nunheard: of\n")


@pytest.mark.parametrize("version", ["0", "two", "true", "1.5", "[1]"])
def test_a_version_that_is_none_is_refused(config: Path, version: str) -> None:
    assert "is no version" in complaint(config, f"version: {version}\n")


def test_importing_settings_loads_nothing_heavy() -> None:
    heavy = "asyncio numpy soundfile wyoming zeroconf torch rich typer"
    code = f"import sys, koe.settings; print([m for m in '{heavy}'.split() if m in sys.modules])"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"


# --- what was changed while Koe ran


def change(config: Path, changes: dict[str, object], **variables: str) -> Loaded:
    """As a running house does; what it works with after that."""
    live = LiveSettings(load(config.parents[1], environ=variables))
    live.change(changes)
    return live.in_force


@pytest.fixture
def changes(config: Path) -> Path:
    return config.with_name("changes.yaml")


def test_changes_win_over_the_file_and_lose_to_variables_and_flags(config: Path, changes: Path) -> None:
    written = "# by hand\nname: File\nvoice: {language: de}\n"
    config.write_text(written)
    change(config, {"name": "Change", "voice.language": None, "log.level": "error", "stop.grace": 1})
    loaded = load(config.parents[1], {"stop.grace": "3"}, {"KOE_LOG_LEVEL": "debug"})
    assert (loaded.settings.name, loaded.settings.voice.language) == ("Change", None)
    assert (loaded.settings.log.level, loaded.settings.stop.grace) == ("debug", 3)
    assert loaded.sources["name"].kind is SourceKind.OVERLAY
    assert str(loaded.sources["voice.language"]).startswith(f"{changes} line ")
    assert config.read_text() == written


def test_a_change_taken_back_leaves_nothing(config: Path, changes: Path) -> None:
    live = LiveSettings(read(config, "engine: {espeak: {rate: 100}}"))
    live.change({"engine.espeak.rate": 200, "speech.max_seconds": 60})
    live.take_back("engine.espeak.rate")
    live.take_back("engine.espeak.pitch")
    assert live.in_force.settings.engine.espeak.rate == 100
    assert live.in_force.sources["engine.espeak.rate"].kind is SourceKind.FILE
    assert "espeak" not in changes.read_text()
    assert read(config).settings == live.in_force.settings


@given(name=st.text(max_size=20), style=st.text(min_size=1, max_size=40), text=st.text(min_size=1))
@example(name="1e5", style="1e5", text="no")
@example(name="~", style="0", text="\x85")
@example(name="012", style="<<", text="a\u2028b\x85c\x7f\ufeff\n d ")
def test_whatever_was_taken_is_read_again_as_it_was(name: str, style: str, text: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder, "config", "koe.yaml")
        try:
            before = change(config, {"name": name, "engine.qwen.styles": {style: text}})
        except Refused:
            return
        again = read(config)
        assert again.notices == ()
        assert again.settings.name == name
        assert again.settings.engine.qwen.styles == before.settings.engine.qwen.styles == {style: text}


def test_all_changes_are_taken_or_none(config: Path, changes: Path) -> None:
    live = LiveSettings(read(config))
    with pytest.raises(Refused, match=r"engine\.espeak\.rate: 9 isn't right; it takes a whole number from 80 to 450"):
        live.change({"speech.max_seconds": 60, "engine.espeak.rate": 9})
    assert live.in_force.settings == Settings()
    assert not changes.exists()


def test_a_change_that_contradicts_another_is_refused(config: Path) -> None:
    live = LiveSettings(read(config))
    with pytest.raises(Refused, match=r"engine\.fake\.enabled is false"):
        live.change({"engine.default": "fake"})
    live.change({"engine.default": "fake", "engine.fake.enabled": True})
    with pytest.raises(Refused, match=r"engine\.fake\.enabled is false"):
        live.take_back("engine.fake.enabled")


@pytest.mark.parametrize(
    ("name", "why", "words"),
    [
        ("voice.defualt", Why.UNKNOWN, "did you mean voice.default?"),
        ("voice", Why.UNKNOWN, "its settings are voice.default, voice.language"),
        ("x" * 10_000, Why.UNKNOWN, "is no setting"),
        ("http.listen", Why.FORBIDDEN, "koe.yaml"),
        ("version", Why.FORBIDDEN, "koe.yaml"),
        ("name", Why.FIXED, "KOE_NAME"),
        ("stop.grace", Why.FIXED, r"command line \(stop.grace\)"),
    ],
)
def test_what_would_do_harm_or_nothing_is_refused(config: Path, name: str, why: Why, words: str) -> None:
    live = LiveSettings(load(config.parents[1], {"stop.grace": "1"}, {"KOE_NAME": "Variable"}))
    with pytest.raises(Refused, match=words) as caught:
        live.change({name: "x"})
    assert (caught.value.why, caught.value.name) == (why, name[:100])


def test_what_names_a_file_or_guards_the_house_is_changed_by_hand_alone() -> None:
    by_hand = {name for name in fields() if effect(name) is None}
    assert {name for name in fields() if re.search(r"file|path|folder|certificate|key|token|listen", name)} <= by_hand
    assert {name for name in fields() if name.startswith("http.")} <= by_hand


def test_what_cannot_count_at_once_waits_for_the_next_start(config: Path) -> None:
    live, seen = LiveSettings(read(config)), list[Settings]()
    live.watch(lambda loaded: seen.append(loaded.settings))
    live.change({"engine.qwen.slots": 9, "engine.fallback": None})
    assert (seen[0].engine.qwen.slots, seen[0].engine.fallback) == (4, None)
    assert live.next.settings.engine.qwen.slots == 9
    assert read(config).settings == live.next.settings


def test_wrong_changes_are_left_out_one_by_one(config: Path, changes: Path) -> None:
    text = "version: 2\nvoice: {language: de, defualt: x}\nhttp: {enabled: false}\nwyoming: 5\nstop: {grace: -1}\n"
    changes.write_text(text + "engine: {default: fake, espeak: {rate: 100}, qwen: {styles: {sad: ''}}}\n")
    loaded = read(config)
    assert loaded.settings.voice.language == "de"
    assert loaded.settings.engine.espeak.rate == 100
    wanted = names.with_values(Settings(), {"voice.language": "de", "engine.espeak.rate": 100})
    assert loaded.settings == wanted
    left_out = ("voice.defualt", "http.enabled", "wyoming", "stop.grace", "engine.default", "engine.qwen.styles")
    assert all(any(notice.startswith(name) for notice in loaded.notices) for name in left_out)
    assert len(loaded.notices) == len(left_out)
    after = change(config, {"stop.grace": 2})
    assert after.settings.voice.language == "de"
    assert "defualt" in changes.read_text()
    assert len(read(config).notices) == len(left_out) - 1


def test_changes_that_contradict_a_variable_are_left_out(config: Path) -> None:
    change(config, {"engine.fake.enabled": True, "engine.default": "fake", "voice.language": "de"})
    loaded = read(config, KOE_ENGINE_FAKE_ENABLED="false")
    assert loaded.settings == names.with_values(Settings(), {"voice.language": "de"})
    assert len(loaded.notices) == 1


@pytest.mark.parametrize(
    "damage",
    [b"\xff\xfe\x00", b"name: [a\n", b"- a\n", b"version: 99\n", b"version: x\n", b"#" * 300_000, b"a: " + b"[" * 5000],
)
def test_a_damaged_file_of_changes_is_set_aside(config: Path, changes: Path, damage: bytes) -> None:
    for ending in ("damaged", "damaged.2"):
        changes.write_bytes(damage)
        loaded = read(config, "name: File")
        assert loaded.settings.name == "File"
        assert f"changes.yaml.{ending}" in loaded.notices[0]
        assert changes.with_name(f"changes.yaml.{ending}").read_bytes() == damage
    assert read(config).notices == ()
    assert change(config, {"name": "Change"}).settings == Settings.model_validate({"name": "File"})
    assert read(config).settings.name == "Change"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_changes_that_may_not_be_read_stay_where_they_are(config: Path, changes: Path) -> None:
    changes.write_text("name: Change")
    changes.chmod(0)
    assert "Permission denied" in read(config).notices[0]
    with pytest.raises(KoeError, match="Permission denied"):
        change(config, {"name": "Other"})
    assert list(config.parent.glob("changes.yaml*")) == [changes]


def test_older_changes_are_brought_up_to_date(config: Path, changes: Path) -> None:
    changes.write_text("version: 1\nvoice: espeak-de\nlog_level: DEBUG\n")
    loaded = read(config)
    assert (loaded.settings.voice.default, loaded.settings.log.level) == ("espeak-de", "debug")
    change(config, {"name": "Change"})
    assert "version: 2" in changes.read_text()
    assert read(config).settings.voice.default == "espeak-de"


def test_more_than_can_be_read_again_is_refused(config: Path, changes: Path) -> None:
    styles = {f"style {number}": "x" * 1000 for number in range(300)}
    with pytest.raises(SettingsError, match="more than 256 KiB"):
        change(config, {"engine.qwen.styles": styles})
    assert not changes.exists()


def test_where_the_disk_refuses_a_change_nothing_changes(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    live = LiveSettings(read(config))

    def refuse(*_: object) -> None:
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(Path, "replace", refuse)
    with pytest.raises(KoeError, match="Read-only file system"):
        live.change({"voice.language": "de"})
    assert live.in_force.settings == Settings()
    assert [each.name for each in config.parent.iterdir()] == [".changes.yaml.lock"]


def test_what_a_crash_left_is_swept_away(config: Path) -> None:
    left = config.with_name(".changes.yaml.0123.tmp")
    left.touch()
    change(config, {"name": "Change"})
    assert not left.exists()


def test_changes_of_several_at_once_are_all_kept(config: Path) -> None:
    houses = [LiveSettings(read(config)) for _ in range(4)]
    wanted = {"name": "A", "stop.grace": 1.0, "speech.max_seconds": 60.0, "voice.language": "de"}
    with ThreadPoolExecutor() as pool:
        list(pool.map(lambda house, each: house.change(dict([each])), houses, wanted.items()))
    assert read(config).settings == names.with_values(Settings(), wanted)


def test_every_setting_has_a_schema_and_a_description() -> None:
    for name, schema in names.schemas().items():
        assert schema["description"], name
        assert {"type", "anyOf", "const", "enum"} & schema.keys(), name
        assert "$ref" not in str(schema), name
