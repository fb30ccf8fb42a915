"""Serve the application: ``python -m app``, the one command of production and ``make run``."""

import sys

import uvicorn
from pydantic import ValidationError

from app.core import logging
from app.core.settings import MissingSettingError, Settings, explain


def main() -> None:
    try:
        settings = Settings()
        settings.require_database_url()
    except ValidationError as error:
        sys.exit(explain(error))
    except MissingSettingError as error:
        sys.exit(str(error))
    reload = "--reload" in sys.argv[1:]
    logging.configure(settings)  # for what uvicorn says before there is an application
    uvicorn.run(
        "app.main:create_app",
        factory=True,
        host=settings.host,
        port=settings.port,
        loop="uvloop",
        # structlog formats every record, and the request log is ours: see core/logging.py.
        log_config=None,
        access_log=False,
        server_header=False,
        # The client's address comes from the proxy in front, if FORWARDED_ALLOW_IPS trusts it.
        proxy_headers=True,
        timeout_graceful_shutdown=settings.shutdown_grace,
        reload=reload,
        reload_dirs=["app"] if reload else None,
    )


if __name__ == "__main__":
    main()
