"""Follow a section of a README word for word: run its shell blocks, make the changes of its diffs."""

import os
import re
import signal
import socket
import subprocess
import time
from collections.abc import Generator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple

FENCE = re.compile(r"^```(sh|diff)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
SERVES = re.compile(r"^(make run|python -m app)$", re.MULTILINE)
"""What goes on until the reader ends it: the steps after it are another terminal's."""

TIMEOUT = 300.0
PORT = "8000"
"""The one that the README names; another one is taken, since somebody may serve there."""


class Step(NamedTuple):
    kind: str
    text: str


def steps(markdown: str, title: str) -> list[Step]:
    """The blocks of the section with this title, in order."""
    _, _, rest = markdown.partition(f"\n## {title}\n")
    section = re.split(r"^## ", rest, maxsplit=1, flags=re.MULTILINE)[0]
    found = [Step(*match.groups()) for match in FENCE.finditer(section)]
    assert found, f"the section {title!r} has no block"
    return found


def follow(script: list[Step], project: Path, environment: Mapping[str, str]) -> str:
    """Do every step in the project, and return what was said; fail with that at the first failure."""
    port = free_port()
    environment = {**environment, "PORT": port}
    said = ""
    with ExitStack() as serving:
        for step in script:
            if step.kind == "diff":
                change(project, step.text)
                continue
            commands = step.text.replace(PORT, port)
            if SERVES.search(commands):
                serving.enter_context(served(commands, project, environment))
            else:
                said += run(commands, project, environment)
    return said


def run(commands: str, project: Path, environment: Mapping[str, str]) -> str:
    """Run a block to its end; its commands share their variables, as in a terminal."""
    result = subprocess.run(
        ["sh", "-ec", commands],
        cwd=project,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        timeout=TIMEOUT,
        check=False,
    )
    assert result.returncode == 0, f"{commands}\n{result.stdout}"
    return result.stdout


@contextmanager
def served(commands: str, project: Path, environment: Mapping[str, str]) -> Generator[None]:
    """Keep what a block serves while the steps after it are done."""
    shell = ["sh", "-ec", commands]
    log = project.parent / "served.log"
    with (
        log.open("w", encoding="utf-8") as output,
        subprocess.Popen(
            shell,
            cwd=project,
            env=environment,
            stdout=output,
            stderr=output,
            start_new_session=True,
        ) as process,
    ):
        try:
            deadline = time.monotonic() + 60
            while not answers(int(environment["PORT"])):
                assert process.poll() is None, log.read_text(encoding="utf-8")
                assert time.monotonic() < deadline, log.read_text(encoding="utf-8")
                time.sleep(0.1)
            yield
        finally:
            os.killpg(process.pid, signal.SIGINT)  # as Ctrl-C: to all that the terminal runs
            process.wait(timeout=30)


def change(project: Path, diff: str) -> None:
    """Add the lines with a plus where the lines around them stand, once, in the file named first."""
    name, *lines = diff.splitlines()
    path = project / name.removeprefix("# ")
    text = path.read_text(encoding="utf-8")
    before = "".join(f"{line[1:]}\n" for line in lines if line[0] == " ")
    after = "".join(f"{line[1:]}\n" for line in lines if line[0] in " +")
    assert text.count(before) >= 1, f"nowhere in {name}:\n{before}"
    path.write_text(text.replace(before, after), encoding="utf-8")


def answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def free_port() -> str:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return str(probe.getsockname()[1])
