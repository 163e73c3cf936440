"""Bundles under generated content and generated damage."""

from __future__ import annotations

import contextlib
import tempfile
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from diag.errors import BatchingParametersError, InputError, MetricsParseError
from diag.formats.bundle.layout import host_file_name, is_safe_name
from diag.formats.bundle.manifest import CaveatRecord, ClockRecord, Manifest, SourceRecord
from diag.formats.bundle.writer import BundleWriter
from diag.formats.source import open_bundle
from diag.formats.text.batching_parameters import parse_batching_parameters
from diag.formats.text.prometheus import parse_metrics
from diag.model.availability import Unavailable
from diag.model.capture import Capture
from diag.model.caveat import recorded_caveat
from diag.model.samples import MetricSample, MetricsPair, SamplerCost, SampleSeries
from diag.model.window import ClockSync
from diag.testing.xspace_builder import build_space

CREATED = datetime(2026, 11, 22, 23, 50, 0, tzinfo=timezone.utc)
TRACE = build_space(
    """
    env profile_start_time=1700000000000000000
    plane /host:CPU
    line grpc-1
      BatchingSessionRun 10..12000us
    """
)

# What UTF-8 can carry: JSON and Prometheus text are UTF-8.
text = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
times = st.integers(0, (1 << 63) - 1)
# Beyond 2^64 a sum of them could overflow: refused.
numbers = st.integers(-(1 << 63), (1 << 63) - 1) | st.floats(
    -(2.0**63), 2.0**63, allow_nan=False, allow_infinity=False
)
values = numbers | text | st.booleans() | st.lists(numbers, max_size=4)


@st.composite
def series(draw: st.DrawFn, source: str) -> SampleSeries:
    units = draw(st.dictionaries(text.filter(lambda name: name != "unix_ns"), text, max_size=4))
    fields: dict[Any, Any] = dict.fromkeys(units, values)
    sample = st.fixed_dictionaries({"unix_ns": times}, optional=fields)
    return SampleSeries(
        source=source,
        period_ns=draw(st.integers(1, 10**12)),
        units=units,
        samples=tuple(sorted(draw(st.lists(sample, max_size=5)), key=lambda each: each["unix_ns"])),
        missing=draw(st.dictionaries(text, text, max_size=2)),
        taken_by=draw(text),
        cost=draw(
            st.just(Unavailable("not measured")) | st.builds(SamplerCost, times, times, times)
        ),
    )


manifests = st.builds(
    Manifest,
    created=st.just(CREATED),
    diag_version=text,
    tools=st.dictionaries(text, text, max_size=3),
    target=st.dictionaries(text, values, max_size=3),
    plan=st.dictionaries(text, values, max_size=3),
    clocks=st.lists(st.builds(ClockRecord, text, st.integers(-(10**18), 10**18), times)).map(tuple),
    sources=st.dictionaries(text, st.builds(SourceRecord, st.just("recorded"), text), max_size=3),
    caveats=st.lists(st.builds(CaveatRecord, text, text), max_size=3).map(tuple),
)


def round_trip(name: str, manifest: Manifest, *samples: SampleSeries) -> Capture:
    with tempfile.TemporaryDirectory() as folder:
        with BundleWriter(Path(folder) / name) as writer:
            writer.add_trace("h", TRACE)
            for each in samples:
                writer.add_samples(each)
            path = writer.finish(manifest)
        return open_bundle(path)


@pytest.mark.parametrize("name", ["bundle", "bundle.zip"])
@given(manifest=manifests, host=series("host"), gpu=series("gpu"))
def test_what_is_written_is_what_is_read(
    name: str, manifest: Manifest, host: SampleSeries, gpu: SampleSeries
) -> None:
    capture = round_trip(name, manifest, host, gpu)
    assert capture.host_samples == host
    assert capture.gpu_samples == gpu
    assert capture.caveats == tuple(
        recorded_caveat(each.code, each.text) for each in manifest.caveats
    )
    assert capture.clocks == tuple(
        ClockSync(each.source, each.offset_ns, each.uncertainty_ns) for each in manifest.clocks
    )
    assert not isinstance(capture.manifest, Unavailable)
    assert capture.manifest["target"] == manifest.target
    assert capture.manifest["plan"] == manifest.plan


def written_zip() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        with BundleWriter(Path(folder) / "b.zip") as writer:
            writer.add_trace("h", TRACE)
            writer.add_samples(SampleSeries("host", 1, {"a": "%"}, ({"unix_ns": 1, "a": 2},)))
            writer.add_metrics("before", b"a 1\n")
            writer.add_metrics("after", b"a 2\n")
            writer.add_server({"models": []})
            path = writer.finish(Manifest(created=CREATED, diag_version="0"))
        return path.read_bytes()


ZIP = written_zip()
damages = st.lists(
    st.tuples(st.integers(0, len(ZIP) - 1), st.integers(0, 255)), min_size=1, max_size=6
)


@given(damage=damages, cut=st.integers(0, len(ZIP)))
@example(damage=[(0, ZIP[0])], cut=len(ZIP))
def test_a_damaged_zip_is_read_right_or_refused(damage: list[tuple[int, int]], cut: int) -> None:
    data = bytearray(ZIP)
    for at, byte in damage:
        data[at] = byte
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "b.zip"
        path.write_bytes(data[:cut])
        with contextlib.suppress(InputError):
            capture = open_bundle(path)
            # Only bytes that nothing depends on, such as a time stamp, can have changed.
            assert sum(len(plane.events) for plane in capture.planes) == 1
            assert capture.metrics == MetricsPair(
                (MetricSample("a", (), 1.0),), (MetricSample("a", (), 2.0),)
            )
        assert [each.name for each in Path(folder).iterdir()] == ["b.zip"]


@given(data=st.binary(max_size=400), suffix=st.sampled_from(["x.xplane.pb", "x.zip", "x"]))
@example(data=b"PK\x05\x06" + bytes(18), suffix="x.zip")
def test_any_bytes_are_a_capture_or_a_clear_refusal(data: bytes, suffix: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / suffix
        path.write_bytes(data)
        refusals = []
        try:
            assert open_bundle(path).planes
        except InputError as error:
            refusals.append(error.message)
        assert all(str(path) in message for message in refusals)


@given(host=st.text(max_size=300))
def test_any_host_becomes_a_safe_file_name(host: str) -> None:
    stem = host_file_name(host)
    assert is_safe_name(stem)
    assert "/" not in stem
    assert not stem.startswith((".", "-"))
    assert host_file_name(stem) == stem


labels = st.dictionaries(st.from_regex(r"[a-z][a-z0-9]*", fullmatch=True), text, max_size=3)
metric_samples = st.builds(
    MetricSample,
    name=st.from_regex(r"[:a-z_][:a-z0-9_]*", fullmatch=True),
    labels=labels.map(lambda pairs: tuple(pairs.items())),
    value=st.floats(allow_nan=False),
)


def exposed(sample: MetricSample) -> str:
    escapes = str.maketrans({"\\": r"\\", '"': r"\"", "\n": r"\n"})
    pairs = ",".join(f'{name}="{value.translate(escapes)}"' for name, value in sample.labels)
    return f"{sample.name}{{{pairs}}} {sample.value!r}"


@given(samples=st.lists(metric_samples, max_size=8))
def test_exposed_metrics_are_read_back(samples: list[MetricSample]) -> None:
    assert parse_metrics("\n".join(map(exposed, samples))) == tuple(samples)


@given(metrics=st.text(max_size=200))
def test_any_text_is_metrics_or_a_refusal(metrics: str) -> None:
    with contextlib.suppress(MetricsParseError):
        parse_metrics(metrics)


@given(parameters=st.text(st.sampled_from("{}:[],;<>\"'#\\\n 0x19-abmw_.") | st.characters()))
@example(parameters="max_batch_size { value: 1 } }")
def test_any_text_is_batching_parameters_or_a_refusal(parameters: str) -> None:
    with contextlib.suppress(BatchingParametersError):
        parse_batching_parameters(parameters)
