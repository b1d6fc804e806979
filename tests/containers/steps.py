"""Runs the steps of a Dockerfile in a folder made by debootstrap, where no container engine runs:

    debootstrap --variant=minbase bookworm /tmp/root
    python -m tests.containers.steps addon/Dockerfile --context addon --root /tmp/root

ARG, ENV, WORKDIR, SHELL, USER, COPY and RUN of the last stage are carried out, as root by chroot; what only describes
the image isn't. FROM is the folder itself.
"""

import argparse
import json
import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from string import Template

SHELL = ("/bin/sh", "-c")


def instructions(text: str) -> Iterator[tuple[str, str]]:
    """Names and arguments; continued lines are one, comments are left out."""
    lines = (line for line in text.splitlines() if not line.lstrip().startswith("#"))
    whole = "\n".join(lines).replace("\\\n", " ")
    for line in whole.splitlines():
        if line.strip():
            name, _, arguments = line.strip().partition(" ")
            yield name.upper(), arguments.strip()


class Steps:
    def __init__(self, root: Path, context: Path, given: dict[str, str]) -> None:
        """`given`: values of ARGs."""
        self._root, self._context, self._given = root, context, given
        self._variables: dict[str, str] = {}
        self._shell: Sequence[str] = SHELL
        self._folder, self._user = "/", ""

    def carry_out(self, name: str, arguments: str) -> None:
        match name:
            case "ARG":
                variable, _, default = arguments.partition("=")
                self._variables[variable] = self._given.get(variable, self._filled(default))
            case "ENV":
                for each in shlex.split(arguments):
                    variable, _, value = each.partition("=")
                    self._variables[variable] = self._filled(value)
            case "SHELL":
                self._shell = json.loads(arguments)
            case "WORKDIR":
                self._folder = self._filled(arguments)
                self._inside(self._folder).mkdir(parents=True, exist_ok=True)
            case "USER":
                self._user = self._filled(arguments)
            case "COPY":
                self._copy(*shlex.split(self._filled(arguments)))
            case "RUN":
                self._run(arguments)

    def _copy(self, *arguments: str) -> None:
        *sources, target = (each for each in arguments if not each.startswith("--"))
        place = self._inside(target)
        if target.endswith("/") or len(sources) > 1:
            place.mkdir(parents=True, exist_ok=True)
        for pattern in sources:
            found = sorted(self._context.glob(pattern)) if pattern != "." else [self._context]
            if not found:
                raise SystemExit(f"COPY {pattern}: there is no such file")
            for source in found:
                if source.is_dir():
                    shutil.copytree(source, place, dirs_exist_ok=True)
                else:
                    shutil.copy2(source, place)

    def _run(self, command: str) -> None:
        # Mounts of the image builder's own have nothing to do with what is run.
        words = command.split(" ")
        while words[0].startswith("--"):
            words.pop(0)
        path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
        environment = {"PATH": path, "HOME": "/root", **self._variables}
        environment |= {name: value for name, value in os.environ.items() if name.startswith("PIP_")}
        chroot = ["chroot", *([f"--userspec={self._user}"] if self._user else []), str(self._root)]
        inside = f"cd {shlex.quote(self._folder)} && {' '.join(words)}"
        subprocess.run([*chroot, *self._shell, inside], env=environment, check=True)

    def _inside(self, path: str) -> Path:
        return self._root / Path(self._folder, path).relative_to("/")

    def _filled(self, text: str) -> str:
        return Template(text).safe_substitute(self._variables)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("dockerfile", type=Path)
    parser.add_argument("--root", type=Path, required=True)
    parser.add_argument("--context", type=Path, required=True)
    parser.add_argument("--build-arg", action="append", default=[], metavar="NAME=VALUE")
    options = parser.parse_args()
    given = dict(each.split("=", 1) for each in options.build_arg)
    steps = Steps(options.root, options.context, given)
    for name, arguments in instructions(options.dockerfile.read_text(encoding="utf-8")):
        print(f"-- {name} {arguments[:100]}", file=sys.stderr, flush=True)
        steps.carry_out(name, arguments)


if __name__ == "__main__":
    main()
