"""Derive what `make feature` writes from the worked example: `python -m tools.feature_template`.

The example is the one feature that is read, linted, typed, tested and broken on purpose. So it is the
source, and its copy with blanks for names is kept beside the tool that fills them in.
"""

import re

from tools.bake import ROOT

PROJECT = ROOT / "{{cookiecutter.project_slug}}"
BLANKS = PROJECT / "tools/feature/blanks"

SOURCES = {
    "models.py": "app/features/items/models.py",
    "schemas.py": "app/features/items/schemas.py",
    "service.py": "app/features/items/service.py",
    "router.py": "app/features/items/router.py",
    "seed.py": "app/features/items/seed.py",
    "factory.py": "tests/factories/items.py",
    "unit.py": "tests/unit/test_items.py",
    "integration.py": "tests/integration/test_items.py",
    "e2e.py": "tests/e2e/test_items.py",
}

END = "\n\n# make feature leaves out what follows"
"""Before tests that need the example, and prove something of the service."""

RULES = [
    # Not the feature's: the list of a page, and the items of a dictionary.
    (r'(?<=[\w)]\[")items(?="\])|(?<=\{")items(?=": \[)|(?<=\.)items(?=\(\))', "\0"),
    # what only the example says of itself
    (r'"""``/items``: the worked example\. .*"""', '"""``/$path``."""'),
    # its own data
    (r"\ba lamp\b", "the first one"),
    (r"\blamp\b", "first"),
    # prose
    (r"\b([Aa])n item\b", r"$\1 $one"),
    (r"(?<=_)an_item(?=_)", "${a}_${thing}"),
    (r'\b(the|no|one) item\b|(?<=f")item(?= \{)', lambda match: f"{match[1] or ''} $one".lstrip()),
    (r"\b(with|of|the|List) items\b", r"\1 $many"),
    (r'(?<=tags=\[")items\b', "$many"),
    (r"\bItems\b", "$Many"),
    (r"(?<=/)items\b", "$path"),
    # code: braces where a letter follows
    (r"items(?=\w)", "${things}"),
    (r"items", "$things"),
    (r"item(?=\w)", "${thing}"),
    (r"(?<!\$)item\b", "$thing"),
    (r"Item(?=\w)", "${Thing}"),
    (r"Item\b", "$Thing"),
    ("\0", "items"),
]


def derive(source: str) -> str:
    """Put a blank wherever the text names the example."""
    kept, end, _ = source.partition(END)
    text = (f"{kept.rstrip()}\n" if end else kept).replace("$", "$$")
    for pattern, blank in RULES:
        text = re.sub(pattern, blank, text)
    return text


def main() -> None:
    BLANKS.mkdir(parents=True, exist_ok=True)
    for name, source in SOURCES.items():
        text = derive((PROJECT / source).read_text(encoding="utf-8"))
        (BLANKS / f"{name}.txt").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
