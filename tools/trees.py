"""Write down what each answer bakes: ``python -m tools.trees``; read the difference that git shows.

``tests/trees/default.txt`` lists the files of the default answers; ``differences.txt``, what each other answer
adds and removes. The tests compare bakes with these, and not with the hook's own list.
"""

import json
from pathlib import Path
from tempfile import TemporaryDirectory

from tools.bake import ROOT, bake, clean_copy

TREES = ROOT / "tests/trees"


def tree(template: Path, answers: dict[str, str]) -> set[str]:
    with TemporaryDirectory() as folder:
        project = bake(template, Path(folder), answers)
        return {
            path.relative_to(project).as_posix() for path in project.rglob("*") if path.is_file()
        }


def main() -> None:
    questions = json.loads((ROOT / "cookiecutter.json").read_text("utf-8"))
    with TemporaryDirectory() as folder:
        template = clean_copy(Path(folder))
        default = tree(template, {})
        lines = []
        for question, offered in questions.items():
            if not isinstance(offered, list) or question.startswith("_"):
                continue
            for answer in offered[1:]:
                other = tree(template, {question: answer})
                lines.append(f"{question}={answer}")
                lines += [f"- {path}" for path in sorted(default - other)]
                lines += [f"+ {path}" for path in sorted(other - default)]
    TREES.mkdir(exist_ok=True)
    (TREES / "default.txt").write_text("".join(f"{path}\n" for path in sorted(default)), "utf-8")
    (TREES / "differences.txt").write_text("".join(f"{line}\n" for line in lines), "utf-8")


if __name__ == "__main__":
    main()
