"""Dockerfiles, scripts and YAML: what the linters of each say, and what the files promise about containers."""

import re
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import Any

import pytest
import yaml

from koe.settings import Settings
from koe.settings.names import variables
from tests.containers.steps import instructions

ROOT = Path(__file__).parents[2]
DOCKERFILES = [ROOT / "addon" / "Dockerfile", ROOT / "deploy" / "Dockerfile"]
COMPOSE = [ROOT / "deploy" / "compose.yaml", ROOT / "deploy" / "compose.cuda.yaml"]
TOOLS = Path(sysconfig.get_path("scripts"))


def tracked(pattern: str) -> list[Path]:
    """Files of the repository, also those that aren't committed yet."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", pattern]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return [ROOT / line for line in listed.stdout.splitlines() if (ROOT / line).is_file()]


def shell_scripts() -> list[Path]:
    found = [file for pattern in ("script/*", "addon/rootfs/**", ".ci/*") for file in tracked(pattern)]
    return [file for file in found if re.match(r"#!.*\b(ba)?sh\b|# .*\n", file.read_text(encoding="utf-8")[:200])]


def check(tool: str, *arguments: str | Path) -> None:
    ran = subprocess.run([TOOLS / tool, *arguments], cwd=ROOT, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr


@pytest.mark.parametrize("dockerfile", DOCKERFILES, ids=lambda file: file.parent.name)
def test_hadolint_finds_nothing(dockerfile: Path) -> None:
    check("hadolint", dockerfile)


def test_shellcheck_finds_nothing() -> None:
    scripts = shell_scripts()
    assert {file.name for file in scripts} >= {"run", "finish", "setup", "common.sh"}
    check("shellcheck", "--external-sources", "--source-path=SCRIPTDIR", *scripts)


def test_yamllint_finds_nothing() -> None:
    files = [file for pattern in ("*.yaml", "*.yml") for file in tracked(pattern)]
    assert ROOT / "addon" / "config.yaml" in files and COMPOSE[0] in files
    check("yamllint", "--strict", *(file.relative_to(ROOT) for file in files))


@pytest.mark.parametrize("dockerfile", DOCKERFILES, ids=lambda file: file.parent.name)
def test_an_image_has_all_that_needs_no_model_of_the_users(dockerfile: Path) -> None:
    installed = re.search(r"\[([a-z,]+)\]\"", dockerfile.read_text(encoding="utf-8"))
    assert installed is not None
    assert installed[1].split(",") == ["espeak", "qwen", "effects", "align"]


@pytest.mark.parametrize("dockerfile", DOCKERFILES, ids=lambda file: file.parent.name)
def test_an_image_has_the_torch_that_koe_pins(dockerfile: Path) -> None:
    pinned = re.search(r'"torch==([\d.]+)"', (ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert pinned is not None
    assert set(re.findall(r"torch==([\d.]+)", dockerfile.read_text(encoding="utf-8"))) == {pinned[1]}


def test_steps_are_read_as_they_are_written() -> None:
    text = "# syntax\nARG A=1\nRUN one \\\n    # between\n    && two\nENV B=2 \\\n    C=3\n"
    assert list(instructions(text)) == [("ARG", "A=1"), ("RUN", "one      && two"), ("ENV", "B=2      C=3")]


def test_the_container_runs_as_nobody_special_and_reads_only() -> None:
    assert image("HEALTHCHECK")
    service = compose()["services"]["koe"]
    assert service["read_only"] and service["cap_drop"] == ["ALL"]
    assert service["network_mode"] == "host"
    assert service["security_opt"] == ["no-new-privileges:true"]
    uid = re.search(r"--uid (\d+)", DOCKERFILES[1].read_text(encoding="utf-8"))
    assert uid is not None and service["user"] == f"{uid[1]}:{uid[1]}"
    assert image("USER") == [service["user"]]
    names = [name for name, _ in instructions(DOCKERFILES[1].read_text(encoding="utf-8"))]
    assert "RUN" not in names[names.index("USER") :]
    # What is written goes to a volume, or to memory.
    assert [each.partition(":")[2] for each in service["volumes"]] == ["/data"]
    assert set(service["volumes"][0].split(":")[:1]) <= set(compose()["volumes"])
    assert set(service["environment"]) <= set(variables())


def test_the_ports_are_those_that_koe_listens_on() -> None:
    settings = Settings()
    ports = {str(address.port) for address in (*settings.wyoming.listen, *settings.http.listen)}
    (exposed,) = (
        arguments for name, arguments in instructions(DOCKERFILES[1].read_text(encoding="utf-8")) if name == "EXPOSE"
    )
    assert set(exposed.split()) == ports


def test_the_second_file_adds_a_graphics_card_to_the_first() -> None:
    more = yaml.safe_load(COMPOSE[1].read_text(encoding="utf-8"))
    (service,) = more["services"].values()
    assert list(more["services"]) == list(compose()["services"])
    (device,) = service["deploy"]["resources"]["reservations"]["devices"]
    assert device["driver"] == "nvidia" and "gpu" in device["capabilities"]
    assert set(service["build"]["args"]) <= {each.partition("=")[0] for each in image("ARG")}


def test_the_builder_gets_all_that_is_copied_and_nothing_else() -> None:
    ignored = (ROOT / "deploy" / "Dockerfile.dockerignore").read_text(encoding="utf-8").splitlines()
    sent = {line[1:] for line in ignored if line.startswith("!")}
    assert "*" in ignored
    copied = [
        arguments.split()[:-1]
        for name, arguments in instructions(DOCKERFILES[1].read_text(encoding="utf-8"))
        if name == "COPY"
    ]
    assert {each for sources in copied for each in sources} == sent
    assert all((ROOT / each).exists() for each in sent)


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not installed")
def test_systemd_understands_the_unit(tmp_path: Path) -> None:
    unit = (ROOT / "deploy" / "koe.service").read_text(encoding="utf-8")
    # Where nothing is installed in /opt/koe.
    (tmp_path / "koe.service").write_text(unit.replace("/opt/koe/script/run", sys.executable))
    ran = subprocess.run(
        ["systemd-analyze", "verify", str(tmp_path / "koe.service")], capture_output=True, text=True, check=False
    )
    assert "koe.service" not in ran.stderr, ran.stderr


def image(name: str) -> list[str]:
    """The arguments of those instructions of the container's Dockerfile."""
    steps = instructions(DOCKERFILES[1].read_text(encoding="utf-8"))
    return [arguments for each, arguments in steps if each == name]


def compose() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load(COMPOSE[0].read_text(encoding="utf-8"))
    return loaded
