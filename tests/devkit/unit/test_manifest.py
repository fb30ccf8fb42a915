"""The manifest of devkit names each file that is not as it was released."""

from pathlib import Path

from devkit.commands.manifest import accept, differences


def test_each_edit_is_named_until_it_is_accepted(folder: Path) -> None:
    for name in ("kept", "edited", "missing"):
        (folder / name).write_text(name, "utf-8")
    accept(folder)
    assert [*differences(folder)] == []

    (folder / "edited").write_text("otherwise", "utf-8")
    (folder / "missing").unlink()
    (folder / "new").touch()
    found = [*differences(folder)]
    accept(folder)

    assert found == ["devkit/edited is edited", "devkit/missing is missing", "devkit/new is new"]
    assert [*differences(folder)] == []
