"""Derive what `make feature` writes from the worked example: `python -m tools.feature_template`.

The example is the one feature that is read, linted, typed, tested and broken on purpose. So it is the
source, and its copy with blanks for names is kept beside the tool that fills them in.
"""

import re

from tools.bake import ROOT

PROJECT = ROOT / "{{cookiecutter.project_slug}}"
BLANKS = PROJECT / "tools/feature/blanks"

SOURCES = {
    "models.py": "app/features/products/models.py",
    "schemas.py": "app/features/products/schemas.py",
    "service.py": "app/features/products/service.py",
    "router.py": "app/features/products/router.py",
    "seed.py": "app/features/products/seed.py",
    "factory.py": "tests/factories/products.py",
    "unit.py": "tests/unit/test_products.py",
    "integration.py": "tests/integration/test_products.py",
    "e2e.py": "tests/e2e/test_products.py",
}

END = "\n\n# make feature leaves out what follows"
"""Before tests that need the example, and prove something of the service."""

RULES = [
    # what only the example says of itself
    (r'"""``/products``: the worked example\. .*"""', '"""``/$path``."""'),
    # its own data
    (r"\ba lamp\b", "the first one"),
    (r"\blamp\b", "first"),
    # prose
    (r"\b([Aa]) product\b", r"$\1 $one"),
    (r"(?<=_)a_product(?=_)", "${a}_${thing}"),
    (
        r'\b(the|no|one) product\b|(?<=f")product(?= \{)',
        lambda match: f"{match[1] or ''} $one".lstrip(),
    ),
    (r"\b(with|of|the|List) products\b", r"\1 $many"),
    (r'(?<=tags=\[")products\b', "$many"),
    (r"\bProducts\b", "$Many"),
    (r"(?<=/)products\b", "$path"),
    # code: braces where a letter follows
    (r"products(?=\w)", "${things}"),
    (r"products", "$things"),
    (r"product(?=\w)", "${thing}"),
    (r"(?<!\$)product\b", "$thing"),
    (r"Product(?=\w)", "${Thing}"),
    (r"Product\b", "$Thing"),
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
