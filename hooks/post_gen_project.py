"""Keep the files that the answers ask for, and say what to do next."""

import json
from pathlib import Path

FILES = [
    # question, answer, the file that only this answer keeps, its name in the project
    ("ci", "github", ".github/dependabot.yml", ".github/dependabot.yml"),
    ("ci", "github", ".github/workflows/check.yml", ".github/workflows/check.yml"),
    ("ci", "github", ".github/workflows/nightly.yml", ".github/workflows/nightly.yml"),
    ("ci", "gitlab", ".gitlab-ci.yml", ".gitlab-ci.yml"),
    ("license", "MIT", "licenses/MIT", "LICENSE"),
    ("license", "Apache-2.0", "licenses/Apache-2.0", "LICENSE"),
    ("license", "BSD-3-Clause", "licenses/BSD-3-Clause", "LICENSE"),
    ("license", "Proprietary", "licenses/Proprietary", "LICENSE"),
]

NEXT = """
Next:
    cd {project_slug}
    make test    # on a real PostgreSQL, which comes with it; `make run` serves it
"""


def keep(answers: dict[str, str]) -> None:
    """Give the chosen files their names; remove the others, and the folders that this empties."""
    for question, answer, source, name in FILES:
        file = Path(source)
        if answers[question] == answer:
            file.replace(name)
        else:
            file.unlink()
        for folder in file.parents:
            if not any(folder.iterdir()):
                folder.rmdir()


if __name__ == "__main__":
    ANSWERS = json.loads(r"""{{ cookiecutter | jsonify }}""")
    keep(ANSWERS)
    print(NEXT.format_map(ANSWERS))
