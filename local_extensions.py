"""The two Jinja filters of this template."""

import re
import runpy
from pathlib import Path

import click
from cookiecutter.utils import simple_filter

# The rules are the pre-gen hook's own. Cookiecutter runs that after it has made the folder, wherever
# the slug points, so they are asked earlier too: while the answers are given, with nothing on disk.
refusal = runpy.run_path(str(Path(__file__).parent / "hooks" / "pre_gen_project.py"))["refusal"]

UNSAFE = re.compile(
    r'["\\]'
    r"|[\x00-\x1f\x7f-\x9f\u2028\u2029]"  # controls and line ends
    r"|[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]"  # text that reads in another order than it is
    r"|[\ufeff\ufffe\uffff]"  # a byte order mark, and what YAML calls unprintable
)


@simple_filter
def checked(answers: dict[str, str]) -> str:
    """Stop with one line on stderr when an answer given so far cannot be used."""
    if reason := refusal(answers):
        raise click.ClickException(reason)
    return ""


@simple_filter
def quoted(text: str) -> str:
    """Escape text for the inside of a double-quoted string, the same in TOML, YAML and JSON."""
    return UNSAFE.sub(
        lambda match: "\\" + match[0] if match[0] in '"\\' else f"\\u{ord(match[0]):04x}", text
    )
