"""Puts the scenarios into a baked project."""

import re
import shutil
from pathlib import Path

HERE = Path(__file__).parent


def install(project: Path) -> None:
    """Copy the feature, its tables and the runner; extend the application as its users would."""
    shutil.copytree(HERE / "probe", project / "app/features/probe")
    tests = project / "tests/integration"
    shutil.copy(HERE / "runner.py", tests / "test_probe.py")
    shutil.copy(HERE / "clients.py", tests / "clients.py")
    shutil.copy(HERE / "schema.sql", tests / "schema.sql")
    versions = project / "migrations/versions"
    revision = (HERE / "revision.py.txt").read_text(encoding="utf-8")
    revision = revision.replace("{head}", _head(versions))
    (versions / "2099_01_01_0000_probe.py").write_text(revision, encoding="utf-8")
    _replace(project / "app/main.py", "    return app\n", "    extend(app)\n    return app\n")
    extend = "from app.features.probe.application import extend\n"
    _replace(
        project / "app/main.py", "from app.settings import", f"{extend}from app.settings import"
    )


def _head(versions: Path) -> str:
    """Return the revision that no other one follows."""
    sources = [path.read_text(encoding="utf-8") for path in versions.glob("*.py")]
    known = {name for source in sources for name in _named(source, "revision")}
    followed = {name for source in sources for name in _named(source, "down_revision")}
    (head,) = known - followed
    return head


def _named(source: str, what: str) -> list[str]:
    """Return the revisions that this line of a revision names."""
    lines: list[str] = re.findall(rf"^{what}\b.*", source, re.MULTILINE)
    return [name for line in lines for name in line.split('"')[1::2]]


def _replace(file: Path, old: str, new: str) -> None:
    source = file.read_text(encoding="utf-8")
    assert source.count(old) == 1, f"not once in {file}: {old}"
    file.write_text(source.replace(old, new), encoding="utf-8")
