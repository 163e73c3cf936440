"""Spans as messages of OTLP, OpenTelemetry's protocol."""
