"""diag: why a TensorFlow Serving replica is slow, or its GPU idle.

The public library. A name is imported when it is first used, so ``import diag`` loads neither
NumPy nor gRPC::

    capture = diag.open_bundle("capture.zip")
    analysis = diag.analyze(capture)
    for finding in diag.find(analysis):
        print(finding.what)

docs/library.md has an example of every function. What ``__all__`` does not list is not public.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from diag.version import __version__

if TYPE_CHECKING:
    from diag.analysis import Analysis, analyze
    from diag.annotations import request, stage
    from diag.attachment import attach
    from diag.capture.examination import Examination, Examined, examine
    from diag.capture.plan import (
        REQUIRABLE,
        AgentAccess,
        CapturePlan,
        ServerRepository,
        TlsOptions,
    )
    from diag.capture.program.plan import RunOutcome, RunPlan
    from diag.capture.program.session import run_program
    from diag.capture.progress import Progress
    from diag.capture.samplers.remote.token import read_token
    from diag.capture.server.headers import read_headers
    from diag.capture.session import CaptureOutcome, capture_bundle
    from diag.comparison import Comparison, compare
    from diag.errors import (
        BatchingParametersError,
        BundleCorruptError,
        BundleVersionError,
        CaptureError,
        CaptureTimeoutError,
        DiagError,
        EmptyCaptureError,
        FindingReachedError,
        InputError,
        LimitReachedError,
        MetricsParseError,
        OutputError,
        ProfilerBusyError,
        ProfilerDisabledError,
        RegressionError,
        RequiredSourceError,
        ResponseTooLargeError,
        ServerTooOldError,
        ServerUnreachableError,
        SourceNotFoundError,
        TicketError,
        TlsError,
        UsageError,
        WrongProtocolError,
        XSpaceDecodeError,
    )
    from diag.findings import FINDING_IDS, Verdict, conclude, find, not_looked_for
    from diag.formats.redaction.legend import Legend, default_legend, open_legend
    from diag.formats.redaction.source import RedactedSource, redact
    from diag.formats.source import open_bundle
    from diag.linting import Lint, lint
    from diag.linting.output import LINT_FORMATS
    from diag.linting.problem import Problem
    from diag.linting.rewriting import corrected_files
    from diag.linting.rules import LINT_IDS
    from diag.model.availability import Unavailable
    from diag.model.capture import BatchingParameters, Capture
    from diag.model.finding import Finding
    from diag.monitoring.load import ServerLoad
    from diag.monitoring.output import render_load
    from diag.monitoring.scraping import load_of_files, load_of_url
    from diag.report.build import build_report
    from diag.report.chart_files import draw_charts
    from diag.report.comparison import ComparisonReport, build_comparison
    from diag.report.model import Report
    from diag.report.rendering import render
    from diag.report.request_report import build_request_report
    from diag.report.ticket import TicketPage, build_ticket
    from diag.report.tuning import TuningReport, build_tuning, parameters_file
    from diag.tables.formats import TABLE_FORMATS
    from diag.tables.names import TABLE_NAMES
    from diag.tables.registry import table
    from diag.tables.table import Table
    from diag.telemetry.encode import EncodedSpans, encode_metrics, encode_spans
    from diag.telemetry.names import METRIC_FORMATS, SPAN_FORMATS
    from diag.telemetry.sending import Collector, SentSpans, send_spans
    from diag.tracks.encode import EncodedTimeline, encode_timeline
    from diag.tracks.names import TIMELINE_FORMATS
    from diag.tuning import Tuning, tune

_ERRORS = (
    "BatchingParametersError",
    "BundleCorruptError",
    "BundleVersionError",
    "CaptureError",
    "CaptureTimeoutError",
    "DiagError",
    "EmptyCaptureError",
    "FindingReachedError",
    "InputError",
    "LimitReachedError",
    "MetricsParseError",
    "OutputError",
    "ProfilerBusyError",
    "ProfilerDisabledError",
    "RegressionError",
    "RequiredSourceError",
    "ResponseTooLargeError",
    "ServerTooOldError",
    "ServerUnreachableError",
    "SourceNotFoundError",
    "TicketError",
    "TlsError",
    "UsageError",
    "WrongProtocolError",
    "XSpaceDecodeError",
)
# Where each public name is defined; the imports above say the same to type checkers.
_MODULES = {
    **dict.fromkeys(_ERRORS, "diag.errors"),
    "load_of_url": "diag.monitoring.scraping",
    "load_of_files": "diag.monitoring.scraping",
    "render_load": "diag.monitoring.output",
    "ServerLoad": "diag.monitoring.load",
    "examine": "diag.capture.examination",
    "Examined": "diag.capture.examination",
    "Examination": "diag.capture.examination",
    "lint": "diag.linting",
    "corrected_files": "diag.linting.rewriting",
    "Problem": "diag.linting.problem",
    "Lint": "diag.linting",
    "LINT_IDS": "diag.linting.rules",
    "LINT_FORMATS": "diag.linting.output",
    "AgentAccess": "diag.capture.plan",
    "Analysis": "diag.analysis",
    "BatchingParameters": "diag.model.capture",
    "Capture": "diag.model.capture",
    "CaptureOutcome": "diag.capture.session",
    "CapturePlan": "diag.capture.plan",
    "Comparison": "diag.comparison",
    "ComparisonReport": "diag.report.comparison",
    "FINDING_IDS": "diag.findings",
    "Collector": "diag.telemetry.sending",
    "EncodedSpans": "diag.telemetry.encode",
    "EncodedTimeline": "diag.tracks.encode",
    "Finding": "diag.model.finding",
    "Legend": "diag.formats.redaction.legend",
    "Progress": "diag.capture.progress",
    "METRIC_FORMATS": "diag.telemetry.names",
    "REQUIRABLE": "diag.capture.plan",
    "RedactedSource": "diag.formats.redaction.source",
    "Report": "diag.report.model",
    "RunOutcome": "diag.capture.program.plan",
    "RunPlan": "diag.capture.program.plan",
    "SPAN_FORMATS": "diag.telemetry.names",
    "SentSpans": "diag.telemetry.sending",
    "ServerRepository": "diag.capture.plan",
    "TABLE_FORMATS": "diag.tables.formats",
    "TABLE_NAMES": "diag.tables.names",
    "TIMELINE_FORMATS": "diag.tracks.names",
    "Table": "diag.tables.table",
    "TicketPage": "diag.report.ticket",
    "TlsOptions": "diag.capture.plan",
    "Tuning": "diag.tuning",
    "TuningReport": "diag.report.tuning",
    "Unavailable": "diag.model.availability",
    "Verdict": "diag.findings",
    "analyze": "diag.analysis",
    "attach": "diag.attachment",
    "build_comparison": "diag.report.comparison",
    "build_report": "diag.report.build",
    "build_request_report": "diag.report.request_report",
    "build_ticket": "diag.report.ticket",
    "build_tuning": "diag.report.tuning",
    "capture_bundle": "diag.capture.session",
    "compare": "diag.comparison",
    "conclude": "diag.findings",
    "default_legend": "diag.formats.redaction.legend",
    "draw_charts": "diag.report.chart_files",
    "encode_metrics": "diag.telemetry.encode",
    "encode_spans": "diag.telemetry.encode",
    "encode_timeline": "diag.tracks.encode",
    "find": "diag.findings",
    "not_looked_for": "diag.findings",
    "open_bundle": "diag.formats.source",
    "open_legend": "diag.formats.redaction.legend",
    "parameters_file": "diag.report.tuning",
    "read_headers": "diag.capture.server.headers",
    "read_token": "diag.capture.samplers.remote.token",
    "redact": "diag.formats.redaction.source",
    "render": "diag.report.rendering",
    "request": "diag.annotations",
    "run_program": "diag.capture.program.session",
    "send_spans": "diag.telemetry.sending",
    "stage": "diag.annotations",
    "table": "diag.tables.registry",
    "tune": "diag.tuning",
}

__all__ = [
    "FINDING_IDS",
    "LINT_FORMATS",
    "LINT_IDS",
    "METRIC_FORMATS",
    "REQUIRABLE",
    "SPAN_FORMATS",
    "TABLE_FORMATS",
    "TABLE_NAMES",
    "TIMELINE_FORMATS",
    "AgentAccess",
    "Analysis",
    "BatchingParameters",
    "BatchingParametersError",
    "BundleCorruptError",
    "BundleVersionError",
    "Capture",
    "CaptureError",
    "CaptureOutcome",
    "CapturePlan",
    "CaptureTimeoutError",
    "Collector",
    "Comparison",
    "ComparisonReport",
    "DiagError",
    "EmptyCaptureError",
    "EncodedSpans",
    "EncodedTimeline",
    "Examination",
    "Examined",
    "Finding",
    "FindingReachedError",
    "InputError",
    "Legend",
    "LimitReachedError",
    "Lint",
    "MetricsParseError",
    "OutputError",
    "Problem",
    "ProfilerBusyError",
    "ProfilerDisabledError",
    "Progress",
    "RedactedSource",
    "RegressionError",
    "Report",
    "RequiredSourceError",
    "ResponseTooLargeError",
    "RunOutcome",
    "RunPlan",
    "SentSpans",
    "ServerLoad",
    "ServerRepository",
    "ServerTooOldError",
    "ServerUnreachableError",
    "SourceNotFoundError",
    "Table",
    "TicketError",
    "TicketPage",
    "TlsError",
    "TlsOptions",
    "Tuning",
    "TuningReport",
    "Unavailable",
    "UsageError",
    "Verdict",
    "WrongProtocolError",
    "XSpaceDecodeError",
    "__version__",
    "analyze",
    "attach",
    "build_comparison",
    "build_report",
    "build_request_report",
    "build_ticket",
    "build_tuning",
    "capture_bundle",
    "compare",
    "conclude",
    "corrected_files",
    "default_legend",
    "draw_charts",
    "encode_metrics",
    "encode_spans",
    "encode_timeline",
    "examine",
    "find",
    "lint",
    "load_of_files",
    "load_of_url",
    "not_looked_for",
    "open_bundle",
    "open_legend",
    "parameters_file",
    "read_headers",
    "read_token",
    "redact",
    "render",
    "render_load",
    "request",
    "run_program",
    "send_spans",
    "stage",
    "table",
    "tune",
]


if not TYPE_CHECKING:  # a type checker would take any name for one that this function finds

    def __getattr__(name: str) -> object:
        if name not in _MODULES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        value = getattr(importlib.import_module(_MODULES[name]), name)
        globals()[name] = value  # the next access does not call this function
        return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
