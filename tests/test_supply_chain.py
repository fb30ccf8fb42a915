"""What a baked project knows of what it installs: hashes, a list, and known vulnerabilities."""

import json
import threading
import tomllib
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from tests.conftest import Run


class Vulnerabilities(BaseHTTPRequestHandler):
    """Stands in for osv.dev, where one package has a fault that is known."""

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        names = [query["package"]["name"] for query in asked["queries"]]
        vulnerable = {"vulns": [{"id": "GHSA-TEST", "modified": "2026-01-01T00:00:00Z"}]}
        self.answer({"results": [vulnerable if name == "starlette" else {} for name in names]})

    def do_GET(self) -> None:
        about = {"id": "GHSA-TEST", "modified": "2026-01-01T00:00:00Z", "summary": "It is open"}
        self.answer(about)

    def answer(self, content: object) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(json.dumps(content).encode())


def test_the_audit_names_what_is_vulnerable(installed: Path, run: Run) -> None:
    with ThreadingHTTPServer(("127.0.0.1", 0), Vulnerabilities) as osv:
        threading.Thread(target=osv.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{osv.server_port}"
        result = run("make", "audit", f"args=--service-url {url}", cwd=installed, NO_PROXY="*")
        osv.shutdown()

    assert result.returncode == 2, result.stdout + result.stderr
    assert "starlette" in result.stdout
    assert "GHSA-TEST" in result.stdout


def test_the_bill_of_materials_lists_what_is_deployed(committed: Path, run: Run) -> None:
    result = run("make", "sbom", cwd=committed)
    assert result.returncode == 0, result.stderr

    bill = json.loads((committed / "sbom.json").read_text(encoding="utf-8"))
    names = {component["name"] for component in bill["components"]}
    assert bill["bomFormat"] == "CycloneDX"
    assert {"fastapi", "sqlalchemy", "asyncpg"} <= names
    assert "pytest" not in names


def test_the_lock_file_has_a_hash_for_every_package(committed: Path) -> None:
    lock = tomllib.loads((committed / "uv.lock").read_text(encoding="utf-8"))

    packages = [package for package in lock["package"] if "registry" in package["source"]]
    assert len(packages) == len(lock["package"]) - 1  # the project itself
    for package in packages:
        archives = [*package.get("wheels", ()), *filter(None, [package.get("sdist")])]
        assert archives
        assert all(archive["hash"].startswith("sha256:") for archive in archives), package["name"]
