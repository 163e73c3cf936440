"""From Prometheus text to samples, with the names exactly as exposed.

The parser of prometheus-client reads each line. It gets sample lines only, because with ``# TYPE``
lines it derives OpenMetrics names, in which every counter ends in ``_total``. TensorFlow Serving's
names start with ":" and have no ``# HELP`` and no ``# EOF`` line
(tensorflow_serving/util/prometheus_exporter.cc).
"""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING

from diag.errors import MetricsParseError
from diag.formats.limits import PART_MAX_BYTES
from diag.model.samples import MetricSample

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

LINES_MAX = 1_000_000
LINE_MAX_CHARACTERS = 64 * 1024
_NAME_END = re.compile(r"[{\s]")
# All other forms are left to prometheus-client.
_PLAIN_NUMBERS = re.compile(r"[ \t]+(-?\d{1,20}(?:\.\d{1,20})?)(?:[ \t]+(\d{1,15}))?\s*", re.ASCII)
_NUMBER = re.compile(r"[-+]?(\d{1,400})(?:\.(\d{0,400}))?(?:[eE][-+]?\d{1,3})?", re.ASCII)
_TYPE = re.compile(rb"^# TYPE (\S{1,1000}) ", re.MULTILINE)
# Digits that TensorFlow Serving's exporter prints of a number that is no integer (absl::StrCat).
_PRINTED_DIGITS = 6
_HINT = "check the metrics URL: it must answer in Prometheus text format"


def parse_metrics(text: str) -> tuple[MetricSample, ...]:
    """The samples of a metrics page, in order; timestamps, comments and types are dropped.

    A histogram's ``_bucket``, ``_sum`` and ``_count`` lines are separate samples.

    Raises:
        MetricsParseError: A line is not a sample, or there is too much text. The message has the
            line.
    """
    lines = text.split("\n")
    if len(lines) > LINES_MAX:
        raise MetricsParseError(f"{len(lines):,} lines of metrics, the limit is {LINES_MAX:,}")
    samples = []
    for number, line in enumerate(lines, start=1):
        line = line.strip()
        if line and not line.startswith("#"):
            samples.append(_sample(line, number))
    return tuple(samples)


def declared_names(data: bytes) -> frozenset[str]:
    """Names that ``# TYPE`` lines declare: a server declares metrics that have no value yet."""
    return frozenset(found[1].decode("utf-8", "replace") for found in _TYPE.finditer(data))


def parse_named(text: str, names: Collection[str]) -> Iterator[tuple[MetricSample, int | None]]:
    """Only the samples with these names, each with its own time (ns since 1970) if it has one.

    An exporter repeats the labels of a GPU in every metric, and parsing them is most of the work,
    so the same text of labels is parsed once.

    Raises:
        MetricsParseError: As for ``parse_metrics``; lines with other names are skipped.
    """
    lines = text.split("\n")
    if len(lines) > LINES_MAX:
        raise MetricsParseError(f"{len(lines):,} lines of metrics, the limit is {LINES_MAX:,}")
    known: dict[str, tuple[tuple[str, str], ...]] = {}
    for number, line in enumerate(lines, start=1):
        name = _NAME_END.split(line, maxsplit=1)[0]
        if name not in names:
            continue
        head, brace, tail = line.rpartition("}")
        text = head[len(name) :]
        found = _known_labels(name, known.get(text), tail) if brace else None
        if found is None:
            found = _timed_sample(line.strip(), number)
            known[text] = found[0].labels
        yield found


def _known_labels(
    name: str, labels: tuple[tuple[str, str], ...] | None, tail: str
) -> tuple[MetricSample, int | None] | None:
    """The sample, if its labels are known and a plain number follows, with or without a time."""
    number = _PLAIN_NUMBERS.fullmatch(tail) if labels is not None else None
    if labels is None or number is None:
        return None
    unix_ns = None if number[2] is None else int(number[2]) * 1_000_000
    return MetricSample(name, labels, float(number[1])), unix_ns


def metrics_from_bytes(data: bytes) -> tuple[MetricSample, ...]:
    """The samples in the body of a response.

    Raises:
        MetricsParseError: Not UTF-8, too large, or not Prometheus text.
    """
    if len(data) > PART_MAX_BYTES:
        raise MetricsParseError(f"{len(data):,} bytes of metrics, the limit is {PART_MAX_BYTES:,}")
    try:
        return parse_metrics(data.decode("utf-8"))
    except UnicodeDecodeError as exc:
        line = data.count(b"\n", 0, exc.start) + 1
        raise MetricsParseError(
            f"line {line} of the metrics is not UTF-8 text", hint=_HINT
        ) from exc


def _sample(line: str, number: int) -> MetricSample:
    return _timed_sample(line, number)[0]


def _timed_sample(line: str, number: int) -> tuple[MetricSample, int | None]:
    # prometheus_client imports an HTTP server: a trace without metrics does not wait for that.
    from prometheus_client.parser import text_string_to_metric_families

    if len(line) > LINE_MAX_CHARACTERS:
        raise MetricsParseError(f"line {number} of the metrics is too long", hint=_HINT)
    try:
        (family,) = text_string_to_metric_families(line)
        name, labels, value, seconds, *_ = family.samples[0]
        unix_ns = None if seconds is None else round(float(seconds) * 1e3) * 1_000_000
        sample = MetricSample(name, tuple(labels.items()), float(value), _step(line))
        return sample, unix_ns
    # The parser has no error of its own: a bad line raises one of these from its slicing.
    except (ValueError, IndexError, OverflowError) as exc:
        raise MetricsParseError(
            f"line {number} of the metrics is not a sample: {line[:80]!r}",
            cause=str(exc),
            hint=_HINT,
        ) from exc


def _step(line: str) -> float:
    """The change that the digits of a line's value may hide.

    A value with at most six digits may have been rounded to them: printing drops zeros at the end.
    """
    text = line.rpartition("}")[2].split() if "}" in line else line.split()[1:]
    found = _NUMBER.fullmatch(text[0]) if text else None
    if found is None or float(text[0]) == 0:
        return 0.0
    digits = len((found[1] + (found[2] or "")).lstrip("0"))
    exponent = math.floor(math.log10(abs(float(text[0]))))
    return float(10.0 ** (exponent + 1 - max(_PRINTED_DIGITS, digits)))
