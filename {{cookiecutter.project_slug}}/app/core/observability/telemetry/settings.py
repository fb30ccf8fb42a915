"""Settings of OpenTelemetry; ``app.settings`` finds them here."""

from pydantic import BaseModel, HttpUrl


class TelemetrySettings(BaseModel):
    """Attributes of ``Settings``. The other OTEL_* variables are read by OpenTelemetry itself."""

    otel_exporter_otlp_endpoint: HttpUrl | None = None
    """Address of a collector; unset, nothing is sent and OpenTelemetry's SDK is not loaded."""
