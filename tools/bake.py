"""Bake the template the way git has it: `python -m tools.bake FOLDER [question=answer ...]`.

The tests bake through here too. Git names the files, tracked ones and those not yet added, because
cookiecutter would carry the caches and environments of a working tree into the project.
"""

import json
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

import click
from cookiecutter.exceptions import CookiecutterException
from cookiecutter.main import cookiecutter

ROOT = Path(__file__).parents[1]


def clean_copy(folder: Path) -> Path:
    """Copy into the folder what a fresh clone of the template would hold."""
    listing = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(listing, cwd=ROOT, check=True, stdout=subprocess.PIPE).stdout.decode()
    for name in filter(None, names.split("\0")):
        if (source := ROOT / name).is_file():  # git still lists a file that was just removed
            target = folder / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(source, target)
    return folder


def bake(template: Path, folder: Path, answers: Mapping[str, str]) -> Path:
    """Bake one project into the folder, the rest of the answers being the defaults."""
    questions = json.loads((template / "cookiecutter.json").read_text(encoding="utf-8"))
    if unknown := answers.keys() - questions.keys():
        raise ValueError(f"nobody asks for {', '.join(sorted(unknown))}")  # cookiecutter is silent

    with TemporaryDirectory() as home:
        config = Path(home, "config.yaml")  # without it, traces are left in the home folder
        folders = {"cookiecutters_dir": home, "replay_dir": home}
        config.write_text(json.dumps(folders), encoding="utf-8")
        project = cookiecutter(
            str(template),
            no_input=True,
            extra_context={
                # Cookiecutter evaluates these as Jinja, so text goes in as a string of Jinja's.
                question: answer
                if isinstance(questions[question], list)
                else f"{{{{ {answer!r} }}}}"
                for question, answer in answers.items()
            },
            output_dir=str(folder),
            config_file=str(config),
        )
    return Path(project)


def main(folder: str, *answers: str) -> None:
    with TemporaryDirectory() as temporary:
        try:
            given = dict(answer.partition("=")[::2] for answer in answers)
            bake(clean_copy(Path(temporary)), Path(folder), given)
        except (ValueError, click.ClickException, CookiecutterException) as error:
            sys.exit(str(error))


if __name__ == "__main__":
    main(*sys.argv[1:])
