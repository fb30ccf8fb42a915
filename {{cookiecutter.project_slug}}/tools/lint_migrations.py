"""Find what would hold up or break a live system in the SQL of each revision: part of ``make lint``.

squawk judges the SQL. A revision overrules it with a line of its own, the reason beside the rule:
``unsafe = {"ban-drop-column": "no release that is still running reads it"}``.
"""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from alembic import command
from alembic.config import Config
from alembic.script import Script, ScriptDirectory
from alembic.util import CommandError

from app.settings import ROOT
from migrations.refusals import check_files, check_one_head

EXCLUDED = {
    "require-lock-timeout": "migrations/env.py sets it for all of them",
    "require-statement-timeout": "likewise",
    "ban-char-field": "holds up no live system",
    "prefer-identity": "likewise: SQLAlchemy writes bigserial for an integer key",
    "require-enum-value-ordering": "likewise",
    "prefer-text-field": "PostgreSQL makes a varchar longer without a rewrite since 9.2",
}

DROP_LATER = "Stop using it in one release, drop it in the next: then say so in `unsafe`."

SAFE_WAYS = {
    "adding-not-nullable-field": "ADD CONSTRAINT ... NOT NULL col NOT VALID; then validate it.",
    "ban-drop-column": DROP_LATER,
    "ban-drop-constraint": DROP_LATER,
    "ban-drop-table": DROP_LATER,
    "changing-column-type": "Add a column of the new type, fill it in batches, then use it.",
    "prefer-robust-stmts": "Give what commits by itself (migrations.online) a revision of its own.",
    "renaming-column": "Keep the name in the database: mapped_column('old_name').",
    "renaming-table": "Keep the name in the database: __tablename__ = 'old_name'.",
}
"""Where squawk has no word of its own, or has the way of an older PostgreSQL."""

SAID_BY = {
    "renaming-object": ("renaming-table",),  # its constraints and indexes follow the convention
    "constraint-missing-not-valid": (
        "adding-foreign-key-constraint",
        "disallowed-unique-constraint",
    ),
}
"""Rules that say of one change what another rule has said already."""

ROBUST = "prefer-robust-stmts"
REPEATABLE = "VALIDATE CONSTRAINT"
"""What was validated is not read again; squawk takes it for a statement that can run only once."""

RUNS_AGAIN = "What commits by itself lets the whole revision run again after a kill."

TRANSACTION = re.compile(r"^BEGIN;\n(.*?)^COMMIT;", re.MULTILINE | re.DOTALL)
BOOKKEEPING = re.compile(r"^(INSERT INTO|UPDATE|DELETE FROM) alembic_version .*;$", re.MULTILINE)

RUNNING = re.compile(r"^-- Running upgrade .*?-> (\S+?)(?:,.*)?$", re.MULTILINE)


class Finding(NamedTuple):
    rule: str
    statement: str
    why: str
    instead: str


def sql_of_revisions(config: Config) -> dict[str, str]:
    """Return the SQL of each revision, as it would run."""
    config.output_buffer = buffer = StringIO()
    try:
        command.upgrade(config, "heads", sql=True)
    except Exception as error:
        done = RUNNING.findall(buffer.getvalue())
        where = f"Revision {done[-1]}" if done else "A revision"
        sys.exit(
            f"{where} cannot be written as SQL ({error!r}): let what asks the database return"
            " early `if context.is_offline_mode():`, from alembic."
        )
    parts = RUNNING.split(buffer.getvalue())[1:]
    # Each begins after its own BEGIN and ends with that of the next.
    return {
        revision: "BEGIN;" + sql.rstrip().removesuffix("BEGIN;")
        for revision, sql in zip(parts[::2], parts[1::2], strict=True)
    }


def judge(revisions: dict[str, str]) -> dict[str, list[Finding]]:
    """Return what is found in the SQL of each revision."""
    with TemporaryDirectory() as folder:
        for revision, sql in revisions.items():
            Path(folder, f"{revision}.sql").write_text(sql, "utf-8")
        flags = ["--reporter=json", "--pg-version=18", *(f"--exclude={rule}" for rule in EXCLUDED)]
        squawk = Path(sys.executable).with_name("squawk")
        result = subprocess.run(
            [squawk, *flags, "*.sql"], cwd=folder, capture_output=True, text=True, check=False
        )
    if result.returncode not in (0, 1) or not result.stdout:
        sys.exit(f"squawk failed: {result.stderr}")
    found: dict[str, list[Finding]] = {revision: [] for revision in revisions}
    for item in json.loads(result.stdout):
        rule, revision = item["rule_name"], Path(item["file"]).stem
        lines = revisions[revision].splitlines()[item["line"] : item["line_end"] + 1]
        if rule == ROBUST and REPEATABLE in "".join(lines):
            continue
        instead = SAFE_WAYS.get(rule) or item["help"] or "See the address below."
        found[revision].append(Finding(rule, "\n".join(lines), item["message"], instead))
    for findings in found.values():
        findings[:] = [finding for finding in findings if not _is_said(finding, findings)]
    for revision, sql in revisions.items():
        if (mixed := _mixed(sql)) and ROBUST not in {finding.rule for finding in found[revision]}:
            found[revision].append(Finding(ROBUST, mixed, RUNS_AGAIN, SAFE_WAYS[ROBUST]))
    return found


def _is_said(finding: Finding, findings: list[Finding]) -> bool:
    rules = SAID_BY.get(finding.rule, ())
    return any(
        other.rule in rules
        and (other.statement == finding.statement or other.rule == "renaming-table")
        for other in findings
    )


def _mixed(sql: str) -> str:
    """Return what stands in a transaction beside operations that commit by themselves."""
    transactions = TRANSACTION.findall(sql)
    if len(transactions) == 1:
        return ""
    return BOOKKEEPING.sub("", "".join(transactions)).strip()


def complaints(script: Script, found: list[Finding]) -> Iterator[str]:
    unsafe: dict[str, str] = getattr(script.module, "unsafe", {})
    path = script.path.removeprefix(f"{ROOT}/")
    for rule, statement, why, instead in found:
        if not unsafe.get(rule, "").strip():
            yield (
                f"{path}: {rule}\n{_indented(statement)}\n  why: {why}\n  instead: {instead}\n"
                f"  more: docs/migrations.md, https://squawkhq.com/docs/{rule}"
            )
    for rule in unsafe.keys() - {finding.rule for finding in found}:
        yield f"{path}: unsafe names {rule!r}, which is not found here: remove it."


def _indented(statement: str) -> str:
    return "\n".join(f"    {line.strip()}" for line in statement.strip().splitlines()[:6])


def lint(config: Config) -> list[str]:
    """Return what is to be fixed, or raise ``CommandError``."""
    directory = ScriptDirectory.from_config(config)
    check_files(directory)
    check_one_head(directory)
    scripts = [*directory.walk_revisions()]
    found = judge(sql_of_revisions(config)) if scripts else {}
    return [line for script in scripts for line in complaints(script, found[script.revision])]


def main() -> int:
    try:
        said = lint(Config(toml_file=ROOT / "pyproject.toml"))
    except CommandError as error:
        said = [str(error)]
    print(*said, sep="\n\n", end="\n" if said else "", file=sys.stderr)
    return 1 if said else 0


if __name__ == "__main__":
    sys.exit(main())
