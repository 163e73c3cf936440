"""An analysis as metrics and spans, for Prometheus and OpenTelemetry."""
