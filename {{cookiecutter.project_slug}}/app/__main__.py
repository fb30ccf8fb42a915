"""Serve the application: ``python -m app``, the one command of production and ``make run``."""

# ruff: noqa: E402 - the signal comes first
import os
import signal

# As process 1 of a container, a process without a handler does not hear SIGTERM at all; the imports
# below take a second. There is nothing to finish yet.
signal.signal(signal.SIGTERM, lambda *_: os._exit(0))

import socket
import sys

import uvicorn
from pydantic import ValidationError
from uvicorn.supervisors import ChangeReload

from app.core.http.protocol import Protocol
from app.core.http.server import Server
from app.core.observability import logging
from app.settings import MissingSettingError, Settings, explain

CANNOT_START = 3
"""Exit status, as that of uvicorn's own command."""


def main() -> None:
    try:
        settings = Settings()
        settings.require_database_url()
        settings.require_allowed_hosts()
    except ValidationError as error:
        sys.exit(explain(error))
    except MissingSettingError as error:
        sys.exit(str(error))
    logging.configure(settings)  # for what uvicorn says before there is an application
    serve(settings, reload="--reload" in sys.argv[1:])


def serve(settings: Settings, *, reload: bool) -> None:
    """Serve until a signal comes; reloading, in a child process that is replaced on change."""
    if reload:
        refuse_taken(settings)
    config = uvicorn.Config(
        "app.main:create_app",
        factory=True,
        host=settings.host,
        port=settings.port,
        loop="uvloop",
        http=Protocol,
        limit_concurrency=settings.max_connections,
        timeout_keep_alive=settings.keep_alive,
        # One message of a WebSocket may be as large as the body of a request.
        ws_max_size=settings.max_body_size,
        ws_ping_interval=settings.websocket_ping,
        ws_ping_timeout=settings.websocket_ping,
        # structlog formats every record, and the request log is ours: see core/observability/logging.py.
        log_config=None,
        access_log=False,
        server_header=False,
        # The client's address comes from the proxy in front, if FORWARDED_ALLOW_IPS trusts it.
        proxy_headers=True,
        reload=reload,
        reload_dirs=["app"] if reload else None,
    )
    server = Server(config, drain=settings.shutdown_drain, grace=settings.shutdown_grace)
    if reload:
        ChangeReload(config, target=server.run, sockets=[config.bind_socket()]).run()
    else:
        server.run()
        logging.flush()
        if not server.started:
            sys.exit(CANNOT_START)


def refuse_taken(settings: Settings) -> None:
    """Say what to do about a port that is in use; uvicorn names neither that nor the port."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    try:
        socket.create_server((settings.host, settings.port), family=family).close()
    except OSError as error:
        sys.exit(
            f"Cannot listen on {settings.host}:{settings.port}: {os.strerror(error.errno or 0)}."
            f" Stop the other process, or set another port: PORT={settings.port + 1} make run"
        )


if __name__ == "__main__":
    main()
