"""Print the OpenAPI document, for clients that are generated from it; no database is needed."""

import json

from app.main import create_app
from app.settings import Settings

if __name__ == "__main__":
    print(json.dumps(create_app(Settings(_env_file=None)).openapi(), indent=2))
