"""The image of a baked project: its Dockerfile, carried out in an empty folder."""

import signal
import socket
import subprocess
import time
from pathlib import Path

import pytest

from tests.image import Image

CREATE = """
import asyncio, asyncpg, sys
async def create(url):
    admin = await asyncpg.connect(url)
    await admin.execute("CREATE DATABASE image")
asyncio.run(create(sys.argv[1]))
"""


def free_port() -> str:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return str(listening.getsockname()[1])


@pytest.mark.heavy
def test_the_image_is_built_serves_and_stops(
    committed: Path, installed: Path, server: str, machine: dict[str, str], tmp_path: Path
) -> None:
    """As far as folders go: no engine, no base image, and whoever runs this in place of its user."""
    python = installed / ".venv/bin/python"
    subprocess.run([python, "-c", CREATE, server.replace("+asyncpg", "")], check=True)
    (committed / ".env").write_text("PORT=1\n")  # must not get into the image
    image = Image(tmp_path / "image", machine["UV_CACHE_DIR"])

    image.build(committed, machine | {"TMPDIR": str(tmp_path)})

    assert {path.name for path in image.inside(".").iterdir()} == {
        ".venv",
        "app",
        "migrations",
        "pyproject.toml",
    }
    environment = image.environment(machine) | {
        "DATABASE_URL": server.replace("/postgres?", "/image?"),
        "ALLOWED_HOSTS": "127.0.0.1",
        "HOST": "127.0.0.1",
        "PORT": free_port(),
    }
    assert image.start(["alembic", "upgrade", "head"], environment).wait() == 0
    with image.start(image.command, environment) as service:
        deadline = time.monotonic() + 20
        while image.start(image.health, environment).wait() != 0:
            assert service.poll() is None
            assert time.monotonic() < deadline, "not healthy after 20 seconds"
        service.terminate()
    assert service.returncode in (0, -signal.SIGTERM)
