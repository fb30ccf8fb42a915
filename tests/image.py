"""A Dockerfile whose instructions are carried out in folders: no engine, no registry.

The base image is a virtual environment; a stage is a folder, which one link points to in turn, so
that a path means the same in each. Accounts, layers and the base's own files are not played.
"""

import json
import os
import re
import shlex
import shutil
import subprocess
import venv
from pathlib import Path


class Image:
    """What the instructions leave behind: files below ``root``, variables, commands."""

    def __init__(self, folder: Path, cache: str) -> None:
        self.folder, self.cache = folder, cache
        self.root = folder / "root"
        self.stages: dict[str, Path] = {}
        self.variables: dict[str, dict[str, str]] = {}
        self.stage = ""
        self.where = Path("/")
        self.command: list[str] = []
        self.health: list[str] = []

    def build(self, context: Path, variables: dict[str, str]) -> None:
        """Carry out the Dockerfile of this context; the variables are the machine's."""
        allowed = self._allowed(context)
        play = {
            "FROM": lambda rest: self._begin(*re.split(r" AS ", rest)),
            "WORKDIR": self._enter,
            "ENV": self._set,
            "RUN": lambda rest: self._run(rest, variables),
            "COPY": lambda rest: self._copy(allowed, shlex.split(rest)),
            "CMD": self._keep_command,
            "HEALTHCHECK": self._keep_health,
            "USER": lambda _: None,
            "EXPOSE": lambda _: None,
        }
        for instruction, rest in _instructions(context / "Dockerfile"):
            play[instruction](rest)

    def inside(self, path: str | Path) -> Path:
        """Where a path of the image lies."""
        return self.root / str(self.where / path).lstrip("/")

    def start(self, command: list[str], environment: dict[str, str]) -> subprocess.Popen[bytes]:
        """Start a command whose program is in the image's own environment of Python."""
        program = self.inside(".venv/bin") / command[0]
        return subprocess.Popen(
            [program, *command[1:]],
            cwd=self.inside("."),
            env=environment,
        )

    def environment(self, variables: dict[str, str]) -> dict[str, str]:
        """What a process in the present stage gets."""
        path = f"{self.root}/usr/local/bin:{os.defpath}"
        own = {
            name: re.sub(r"(?<![\w.])/(?=srv|var)", f"{self.root}/", value)
            for name, value in self.variables[self.stage].items()
        }
        return variables | {"PATH": path} | own

    def _begin(self, base: str, name: str) -> None:
        self.stage = name
        self.stages[name] = self.folder / name
        if base in self.stages:
            shutil.copytree(self.stages[base], self.stages[name], symlinks=True)
            self.variables[name] = dict(self.variables[base])
        else:
            self.stages[name].mkdir()
            self.variables[name] = {}
        self.root.unlink(missing_ok=True)
        self.root.symlink_to(self.stages[name])
        if base not in self.stages:
            venv.create(self.root / "usr/local", with_pip=True, symlinks=True)

    def _enter(self, folder: str) -> None:
        self.where = Path(folder)
        self.inside(folder).mkdir(parents=True, exist_ok=True)

    def _set(self, rest: str) -> None:
        for name, value in (pair.split("=", 1) for pair in shlex.split(rest)):
            self.variables[self.stage][name] = self._filled(value)

    def _keep_command(self, rest: str) -> None:
        self.command = json.loads(rest)

    def _keep_health(self, rest: str) -> None:
        self.health = json.loads(rest[rest.index("[") :])

    def _run(self, command: str, variables: dict[str, str]) -> None:
        for target in re.findall(r"--mount=type=cache,target=(\S+) ", command):
            place = self.inside(target)
            place.parent.mkdir(parents=True, exist_ok=True)
            place.symlink_to(self.cache)
        command = re.sub(r"--mount=\S+ ", "", command)
        shell = ["/bin/sh", "-c", command]
        environment = self.environment(variables)
        subprocess.run(shell, cwd=self.inside("."), env=environment, check=True)

    def _copy(self, context: Path, arguments: list[str]) -> None:
        options = dict(a[2:].split("=", 1) for a in arguments if a.startswith("--"))
        *sources, target = (a for a in arguments if not a.startswith("--"))
        place = self.inside(target)
        for source in sources:
            if "from" in options:
                origin = self.stages[options["from"]] / source.lstrip("/")
            else:
                origin = context / source
            to = place / origin.name if target.endswith("/") else place
            if origin.is_dir():
                shutil.copytree(origin, to, symlinks=True)
            else:
                shutil.copy(origin, to)
            if "chmod" in options:
                for path in (to, *to.rglob("*")):
                    path.chmod(int(options["chmod"], 8))

    def _allowed(self, context: Path) -> Path:
        """Copy what .dockerignore, which names what may pass, lets through."""
        lines = (context / ".dockerignore").read_text(encoding="utf-8").splitlines()
        rules = [line for line in lines if line and not line.startswith("#")]
        assert rules[0] == "*", "a .dockerignore that does not begin with * is not played"
        allowed = self.folder / "context"
        allowed.mkdir(parents=True)
        never = shutil.ignore_patterns(*(rule[3:] for rule in rules if rule.startswith("**/")))
        for name in (rule[1:] for rule in rules if rule.startswith("!")):
            if (context / name).is_dir():
                shutil.copytree(context / name, allowed / name, ignore=never)
            else:
                shutil.copy(context / name, allowed / name)
        return allowed

    def _filled(self, value: str) -> str:
        here = {"PATH": f"{self.root}/usr/local/bin:{os.defpath}"} | self.variables[self.stage]
        return re.sub(r"\$\{?(\w+)\}?", lambda match: here[match[1]], value)


def _instructions(dockerfile: Path) -> list[tuple[str, str]]:
    text = dockerfile.read_text(encoding="utf-8")
    text = re.sub(r"^\s*#.*\n", "", text, flags=re.MULTILINE).replace("\\\n", " ")
    return [line.partition(" ")[::2] for line in text.splitlines() if line]
