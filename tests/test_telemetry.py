"""With the extra `otel`, the real server sends what it measures to a collector."""

import subprocess
import threading
import time
from collections import defaultdict
from collections.abc import Generator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.request import urlopen

import pytest

from tests.answers import ANSWERS
from tests.walkthroughs import free_port, served
from tools.bake import bake

SERVE = """
. .venv/bin/activate
export ENVIRONMENT=production ALLOWED_HOSTS=127.0.0.1
exec python -m tools.postgres sh -c 'alembic upgrade head && exec python -m app'
"""

EXPECTED = [
    ("/v1/traces", b"GET /products"),
    ("/v1/traces", b"SELECT"),
    ("/v1/traces", b"orders-api"),
    ("/v1/metrics", b"http.server.request.duration"),
    ("/v1/metrics", b"http.route"),
]


class Collector(ThreadingHTTPServer):
    """Takes what is sent by OTLP, and keeps it as it came."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Receiver)
        self.received: dict[str, bytes] = defaultdict(bytes)


class Receiver(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        assert isinstance(self.server, Collector)
        self.server.received[self.path] += self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.end_headers()


@pytest.fixture
def collector() -> Generator[Collector]:
    """A collector that listens."""
    with Collector() as collector:
        threading.Thread(target=collector.serve_forever, daemon=True).start()
        yield collector
        collector.shutdown()


@pytest.mark.heavy
def test_spans_and_metrics_arrive(
    collector: Collector, template: Path, tmp_path: Path, machine: dict[str, str]
) -> None:
    project = bake(template, tmp_path, ANSWERS["defaults"])
    subprocess.run(["make", "lint"], cwd=project, env=machine, check=True)
    extra = [".cache/uv/bin/uv", "sync", "--extra", "otel"]
    subprocess.run(extra, cwd=project, env=machine | {"UV_SYSTEM_CERTS": "1"}, check=True)
    port = free_port()
    told = {
        "PORT": port,
        "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{collector.server_port}",
        "OTEL_BSP_SCHEDULE_DELAY": "100",
        "OTEL_METRIC_EXPORT_INTERVAL": "100",
    }

    with served(SERVE, project, machine | told):
        with urlopen(f"http://127.0.0.1:{port}/products") as response:
            assert response.status == 200
        deadline = time.monotonic() + 30
        while not all(part in collector.received[path] for path, part in EXPECTED):
            assert time.monotonic() < deadline, dict(collector.received)
            time.sleep(0.1)

    assert '"trace_id": "' in (project.parent / "served.log").read_text(encoding="utf-8")
