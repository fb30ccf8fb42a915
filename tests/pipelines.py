"""The jobs of a project's CI: what they set, and the commands that they run."""

import re
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from string import Template
from typing import Any, NamedTuple

import yaml

PYTHON = "3.14"
"""Of the versions in a matrix, the one whose job is run; with the Python that is here."""

Values = dict[str, str]


class Job(NamedTuple):
    name: str
    variables: Values
    commands: list[str]


def github_jobs(workflow: Path, facts: Values) -> list[Job]:
    """List the jobs of a workflow, in which ``${{ fact }}`` has the value that is given here."""
    whole = _read(workflow)
    return [
        Job(
            name,
            {
                key: _filled(value, facts | chosen)
                for key, value in {**whole.get("env", {}), **job.get("env", {})}.items()
            },
            [_filled(step["run"], facts | chosen) for step in job["steps"] if "run" in step],
        )
        for name, job in whole["jobs"].items()
        for chosen in _of_matrix(job.get("strategy", {}).get("matrix", {}))
    ]


def _of_matrix(matrix: dict[str, Any]) -> Iterator[Values]:
    lists = {name: values for name, values in matrix.items() if name != "include"}
    if "python" in lists:
        lists["python"] = [PYTHON]
    for chosen in product(*lists.values()):
        for more in matrix.get("include", [{}]):
            values = dict(zip(lists, chosen, strict=True)) | more
            yield {f"matrix.{name}": str(value) for name, value in values.items()}


def _filled(text: str, facts: Values) -> str:
    return re.sub(r"\${{ ([\w.]+) }}", lambda match: facts[match[1]], str(text))


def gitlab_jobs(pipeline: Path, facts: Values) -> list[Job]:
    """List the jobs of a pipeline, with the variables that GitLab sets by itself given here."""
    whole = _read(pipeline)
    return [
        Job(
            name,
            _expanded({**whole["variables"], **job.get("variables", {}), **chosen, **facts}),
            job["script"],
        )
        for name, job in whole.items()
        if "script" in job
        for entry in job.get("parallel", {}).get("matrix", [{}])
        for chosen in _of_entry(entry)
    ]


def _of_entry(entry: dict[str, Any]) -> Iterator[Values]:
    lists = {name: [value] if isinstance(value, str) else value for name, value in entry.items()}
    if len(lists.get("UV_PYTHON", [])) > 1:
        lists["UV_PYTHON"] = [PYTHON]
    for chosen in product(*lists.values()):
        yield dict(zip(lists, chosen, strict=True))


def _expanded(variables: Values) -> Values:
    """Put the variables into each other, as often as one holds another."""
    for _ in variables:
        variables = {
            name: Template(value).safe_substitute(variables) for name, value in variables.items()
        }
    return variables


def _read(path: Path) -> dict[str, Any]:
    return yaml.safe_load(path.read_text(encoding="utf-8"))
