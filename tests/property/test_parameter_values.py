"""Any number as a batching parameter, wherever it is written: an answer, or a clean error."""

from __future__ import annotations

import json
import math
from datetime import datetime, timezone
from io import BytesIO
from pathlib import Path
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

import diag
from diag.errors import DiagError
from diag.formats.bundle.manifest import Manifest
from diag.formats.bundle.writer import BundleWriter
from diag.formats.text.batching_parameters import parse_batching_parameters
from diag.model.capture import BatchingParameters
from diag.tables.names import TABLES
from diag.testing.xspace_builder import build_space
from tests.unit.analysis.test_contradictions import FOREVER, function, waiting
from tests.unit.analysis.traces import QUEUE_B

ENV = "env profile_start_time=1700000000000000000\nplane /host:CPU\n"
SESSION = build_space(ENV + waiting(5010))
IN_GRAPH = build_space(ENV + function(12))
BOTH = build_space(ENV + function(12) + waiting(5010, queue=QUEUE_B))
NUMBERS = (
    "max_batch_size",
    "batch_timeout_micros",
    "max_enqueued_batches",
    "num_batch_threads",
    "max_execution_batch_size",
)
INT64 = st.integers(-(1 << 63), (1 << 63) - 1)
integers = (
    st.sampled_from([-1, 0, 1, 2, 8, 40_000, 1 << 31, 1 << 53, FOREVER, 1 << 62, (1 << 63) - 1])
    | INT64
    | st.integers()
)
floats = st.floats() | integers.filter(lambda n: abs(n) < 10**300).map(float)


def bundle(trace: bytes, metrics: str = "", **parts: Any) -> bytes:
    """A bundle as ``diag capture`` writes it."""
    out = BytesIO()
    with BundleWriter(out) as writer:
        writer.add_trace("h", trace)
        writer.add_metrics("before", metrics.encode())
        writer.add_metrics("after", metrics.encode())
        writer.add_server(parts.pop("server", {}))
        created = datetime(2026, 11, 28, tzinfo=timezone.utc)
        writer.finish(Manifest(created=created, diag_version="0.1.0", **parts))
    return out.getvalue()


def use(source: bytes | Path, given: BatchingParameters | str | None = None) -> None:
    """All that ``diag analyze`` and ``diag export`` do with a source."""
    analysis = diag.analyze(diag.open_bundle(source, batching_parameters=given))
    report = diag.build_report(analysis)
    for form in ("text", "md"):
        assert "nan" not in diag.render(report, form).split()
    json.loads(diag.render(report, "json"))
    for name in TABLES:
        table = diag.table(analysis, name)
        table.to_numpy()
        for form in diag.TABLE_FORMATS:
            table.encode(form)


def text_of(values: dict[str, int], sizes: list[int]) -> str:
    lines = [f"{name} {{ value: {value} }}" for name, value in values.items()]
    return "\n".join(["", *lines, *(f"allowed_batch_sizes: {size}" for size in sizes), ""])


files = st.builds(
    text_of, st.dictionaries(st.sampled_from(NUMBERS), integers), st.lists(integers, max_size=4)
)


@settings(deadline=None, max_examples=25)
@given(files, st.booleans())
@example(f"batch_timeout_micros {{ value: {FOREVER} }}", False)
@example(f"batch_timeout_micros {{ value: {(1 << 63) - 1} }}", True)
def test_any_number_in_a_file(text: str, in_graph: bool) -> None:
    trace = IN_GRAPH if in_graph else SESSION
    try:
        parse_batching_parameters(text)
    except DiagError:
        pass
    else:
        use(trace, text)
    # A capture records the text; a bundle with it can be read whatever it is.
    use(bundle(trace, server={"batching_parameters": text}))


@settings(deadline=None, max_examples=25)
@given(
    st.builds(
        BatchingParameters,
        *[st.none() | integers] * 4,
        allowed_batch_sizes=st.lists(INT64, max_size=3).map(tuple),
        enable_large_batch_splitting=st.none() | st.booleans(),
        max_execution_batch_size=st.none() | integers,
    )
)
def test_any_number_in_code(parameters: BatchingParameters) -> None:
    use(BOTH, parameters)


def as_printed(value: float) -> str:
    if math.isnan(value) or math.isinf(value):
        return {"nan": "NaN", "inf": "+Inf", "-inf": "-Inf"}[str(value)]
    return repr(value)


@settings(deadline=None, max_examples=25)
@given(
    st.dictionaries(
        st.sampled_from(["batch_timeout_micros", "max_batch_size", "num_batch_threads"]), floats
    ),
    st.none() | files,
)
@example({"batch_timeout_micros": float(FOREVER)}, None)
@example({"batch_timeout_micros": -1.0, "max_batch_size": math.inf}, None)
def test_any_number_in_a_gauge(values: dict[str, float], text: str | None) -> None:
    page = "".join(
        f':tensorflow:serving:batching:{name}{{op_name="b/Batch"}} {as_printed(value)}\n'
        for name, value in values.items()
    )
    server = {} if text is None else {"batching_parameters": text}
    use(bundle(IN_GRAPH, page, server=server))


@settings(deadline=None, max_examples=25)
@given(
    st.sampled_from(["duration_ms", "host_tracer_level", "gpu_rate"]),
    INT64 | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=3),
)
@example("duration_ms", 9_223_372_036_855)
def test_any_number_in_the_plan_of_a_manifest(name: str, value: object) -> None:
    use(bundle(SESSION, plan={name: value}))
