"""Whatever a client sends, it is the client's fault: no 5xx, no echo, no forged line of log."""

import re
import socket
import subprocess
import sys
from collections import Counter
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import pytest

from tests.served import Service, serving

pytestmark = pytest.mark.heavy

SECRET = b"hunter2-hunter2"
SOME_ID = b"00000000-0000-4000-8000-000000000000"

VALUES = [
    b'"\\u0000"',
    b'"a\\u0000b"',
    b'"\\ud800"',
    b'"\\udc00\\ud800"',
    b'"\xed\xa0\x80"',
    b'"\xff\xfe"',
    b'"\x00"',
    b'"\x1b[2J"',
    b'""',
    b'"   "',
    b'"' + b"x" * 100_000 + b'"',
    b"NaN",
    b"-Infinity",
    b"1e999",
    b"2147483648",
    b"9223372036854775808",
    b"9" * 4000,
    b"9" * 5000,
    b"-0",
    b"null",
    b"true",
    b"[]",
    b"{}",
    b"[" * 500 + b"]" * 500,
    b"[" * 2000 + b"]" * 2000,
    b"[" * 100_000 + b"]" * 100_000,
    b'{"a":' * 2000 + b"1" + b"}" * 2000,
    b'{"a":' * 100_000,
    b'{"\\ud800": 1}',
    b'{"__proto__": {"is_admin": true}}',
]
BODIES = [
    *(b'{"name": ' + value + b"}" for value in VALUES),
    *(b'{"name": "' + SECRET + b'", "description": ' + value + b"}" for value in VALUES),
    *(b'{"name": "x", ' + name + b": 1}" for name in (b'"id"', b'"\\ud800"', b'"\\u0000"', b'""')),
    b"",
    b"{",
    b'{"name": "a", "name": "b"',
    b"\xef\xbb\xbf{}",
    b'"' + SECRET + b'"',
    b'{"name": "x"} {"name": "y"}',
]
PATHS = [
    b"/products/%00",
    b"/products/%ff%fe",
    b"/products/%ed%a0%80",
    b"/products/%0d%0alevel=error",
    b"/products/%1b%5b2J",
    b"/products/" + b"9" * 23,
    b"/products/" + b"a" * 5000,
    b"/products/..%2f..%2fetc%2fpasswd",
    b"/products/" + SOME_ID + b"%00",
    b"/products/{" + SOME_ID + b"}",
    b"/products/urn:uuid:" + SOME_ID,
    b"/products/%u0000",
    b"/%E2%80%AE",
    b"//evil.example/products",
    b"/products?" + b"&".join(b"a=%d" % number for number in range(5000)),
    *(
        b"/products?limit=" + value
        for value in (b"-1", b"0", b"101", b"2147483648", b"9" * 5000, b"1e3", b"%00", b"NaN", b"")
    ),
    *(
        b"/products?cursor=" + value
        for value in (
            *(b"%00", b"x", b"%FF", b"%F0%9F%9A%80", b"a" * 201, b"=", b"MjAyNg=="),
            *(b"MDAwMS0wMS0wMVQwMDowMDowMCswMDowMCB4", b"%ed%a0%80", b"' OR 1=1 --"[:4]),
        )
    ),
    b"/products?limit=5&limit=x",
    b"/products?offset=-5",
]
HEADERS = [
    b"X-Request-ID: a\tb",
    b"X-Request-ID: " + b"x" * 10_000,
    b"X-Request-ID: \xff\x9b31m",
    b"X-Forwarded-For: " + b"1.1.1.1, " * 500,
    b"X-Forwarded-For: \x85forged",
    b"X-Forwarded-Proto: javascript",
    b"Content-Type: application/json; charset=utf-16",
    b"Content-Type: multipart/form-data; boundary=x",
    b"Content-Type: " + b"a/" * 2000,
    b"Cookie: " + b"a=b; " * 5000,
    b"Accept: */*" + b";q=1" * 1000,
    b"\r\n".join(b"X-%d: a" % number for number in range(200)),
    b"X-Large: " + b"x" * 100_000,
    b"Expect: 100-continue",
    b"Upgrade: websocket\r\nConnection: Upgrade",
    b"Content-Length: 2\r\nContent-Length: 3",
    b"Content-Length: -1",
    b"Content-Length: " + b"9" * 100,
    b"Content-Length: 5\r\nTransfer-Encoding: chunked",
    b"Transfer-Encoding: gzip, chunked",
]
LINES = [
    b"\x16\x03\x01\x02\x00\x01",
    b"GET / HTTP/9.9\r\n\r\n",
    b"get /products http/1.1\r\n\r\n",
    b"GET /products\r\n\r\n",
    b"GET http://evil.example/products HTTP/1.1\r\nHost: evil.example\r\n\r\n",
    b"GET /products HTTP/1.1\r\n\r\n",
    b"GET /products HTTP/1.1\r\nHost: evil.example\r\n\r\n",
    b"GET /products HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
    b"GET /products HTTP/1.1\r\nHost: 127.0.0.1@evil.example\r\n\r\n",
    b"OPTIONS * HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
    b"TRACE /products HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
    b"PROPFIND /products HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
]


def request(method: bytes, path: bytes, body: bytes = b"", header: bytes = b"") -> bytes:
    lines = [method + b" " + path + b" HTTP/1.1", b"Host: 127.0.0.1", b"Connection: close"]
    if body:
        lines += [b"Content-Type: application/json", b"Content-Length: %d" % len(body)]
    return b"\r\n".join([*lines, *filter(None, [header]), b"", body])


REQUESTS = [
    *(request(b"POST", b"/products", body) for body in BODIES),
    *(request(b"PATCH", b"/products/" + SOME_ID, body) for body in BODIES[::3]),
    *(request(b"GET", path) for path in PATHS),
    *(request(b"DELETE", path) for path in PATHS[:8]),
    *(request(b"POST", b"/products", header=header) + b'{"name":"x"}' for header in HEADERS),
    *(request(b"GET", b"/readyz", header=header) for header in HEADERS),
    *LINES,
]


@pytest.fixture
def service(installed: Path, database: str, tmp_path: Path) -> Generator[Service]:
    with serving(installed, installed, tmp_path / "log", database, DOCS="true") as service:
        yield service


def exchange(service: Service, sent: bytes) -> bytes:
    """Send bytes as they are, and return what comes back until the other side closes."""
    received = b""
    with socket.create_connection(("127.0.0.1", service.port), timeout=2) as connection:
        try:
            connection.sendall(sent)
            while part := connection.recv(65_536):
                received += part
        except OSError:
            pass  # closed early, or waiting for more: what matters is what it said
    return received


def test_no_hostile_request_is_an_error_of_the_server(service: Service) -> None:
    assert len(REQUESTS) >= 80

    with ThreadPoolExecutor(16) as pool:
        answers = dict(zip(REQUESTS, pool.map(partial(exchange, service), REQUESTS), strict=True))

    for sent, answer in answers.items():
        statuses = re.findall(rb"^HTTP/1\.1 (\d{3})", answer, re.MULTILINE)
        assert statuses or sent in LINES or b"Expect" in sent, sent[:200]
        assert not [status for status in statuses if status >= b"500"], (sent[:200], answer[:500])
        assert SECRET not in answer or statuses[0] < b"300", (sent[:200], answer[:1000])
    assert service.get("/readyz").status == 200
    # Each line of the log is one JSON object, and none tells of an error of ours.
    assert {line["level"] for line in service.log()} <= {"info", "warning"}
    print(
        f"{len(REQUESTS)} hostile requests: no 5xx, no echo, {len(service.log())} whole lines of log"
    )


EXAMPLES = 300


def generate(service: Service, folder: Path, *which: str) -> None:
    """Let schemathesis send what the OpenAPI document allows, and what it does not."""
    result = subprocess.run(
        [
            *(Path(sys.executable).with_name("schemathesis"), "run"),
            f"http://127.0.0.1:{service.port}/openapi.json",
            *(f"--max-examples={EXAMPLES}", "--checks=not_a_server_error", "--mode=all"),
            *("--phases=coverage,fuzzing", "--no-color", *which),
        ],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=250,
    )
    assert result.returncode == 0, result.stdout[-5000:] + result.stderr


def test_no_generated_request_is_an_error_of_the_server(service: Service, tmp_path: Path) -> None:
    generate(service, tmp_path, "--exclude-method=DELETE")
    # Alone: together with the others, it gets a few examples only.
    generate(service, tmp_path, "--include-method=DELETE")

    requests = [line for line in service.log() if line["event"] == "request"]
    sent = Counter(
        (line["method"], re.sub("^/products/.*", "/products/{id}", line["path"]))
        for line in requests
    )
    for operation in (
        *(("POST", "/products"), ("GET", "/products")),
        *((method, "/products/{id}") for method in ("GET", "PATCH", "DELETE")),
    ):
        assert sent[operation] >= EXAMPLES, (operation, sent)
    assert not [line for line in service.log() if line["level"] == "error"]
    print(f"{len(requests)} generated requests, no 5xx: {sent.most_common(5)}")
