"""Samples and the server's own words: round trips, and errors that name the line."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import msgspec
import pytest

from diag.errors import BundleCorruptError
from diag.formats.samples import decode_samples, encode_samples
from diag.formats.server import decode_server, server_document
from diag.model.availability import Unavailable
from diag.model.samples import SampleSeries, ServedModel, ServerInfo

SERIES = SampleSeries(
    source="gpu",
    period_ns=166_666_667,
    units={"utilization_percent": "%", "power_mw": "mW"},
    samples=(
        {"unix_ns": 1_795_386_469_768_655_031, "utilization_percent": [61, 3], "power_mw": 70_123},
        {"unix_ns": 1_795_386_469_935_321_698, "utilization_percent": [0, 100]},
    ),
    missing={"power_mw": "Not Supported on GPU 1"},
)
HEADER = b'{"source":"host","period_ns":1,"units":{"a":"%"}}\n'


def test_samples_survive_being_written_and_read() -> None:
    assert decode_samples(encode_samples(SERIES), "p") == SERIES
    assert decode_samples(encode_samples(replace(SERIES, samples=())), "p").samples == ()


def test_a_series_is_a_header_line_and_a_line_a_sample() -> None:
    lines = encode_samples(SERIES).splitlines()
    assert len(lines) == 3
    assert lines[0] == (
        b'{"source":"gpu","period_ns":166666667,'
        b'"units":{"utilization_percent":"%","power_mw":"mW"},'
        b'"missing":{"power_mw":"Not Supported on GPU 1"}}'
    )


@pytest.mark.parametrize(
    ("sample", "message"),
    [
        ({}, "has no unix_ns"),
        ({"unix_ns": 1.5}, "has no unix_ns"),
        ({"unix_ns": True}, "has no unix_ns"),
        ({"unix_ns": 1, "b": 1}, "has a field without a unit: b"),
        ({"unix_ns": 1, "power_mw": None}, "has no value in power_mw"),
        ({"unix_ns": 1, "power_mw": math.nan}, "has no value in power_mw"),
    ],
)
def test_a_sample_that_would_hide_a_gap_is_not_written(
    sample: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=f"sample 0 {message}"):
        encode_samples(replace(SERIES, samples=(sample,)))


@pytest.mark.parametrize(
    ("data", "message", "cause"),
    [
        (b"", "p: 0 lines", ""),
        (b"{}\n", "p, line 1: not readable", "missing required field `source`"),
        (b'{"source":"disk","period_ns":1,"units":{}}', "p, line 1: not readable", "$.source"),
        (b'{"source":"gpu","period_ns":0,"units":{}}', "p, line 1: not readable", "$.period_ns"),
        (HEADER + b"{", "p, line 2: not readable", "truncated"),
        (HEADER + b'{"unix_ns":1}\n[]\n', "p, line 3: not readable", "Expected `object`"),
        (HEADER + b'{"unix_ns":1,"b":2}', "p, line 2: has a field without a unit: b", ""),
        (HEADER + b'{"unix_ns":1,"a":null}', "p, line 2: has no value in a", ""),
        (HEADER + b'{"unix_ns":99999999999999999999}', "p, line 2: ", ""),
        (HEADER + b'{"unix_ns":1,"a":"\xff"}', "p, line 2: not readable", ""),
    ],
)
def test_a_broken_line_is_named(data: bytes, message: str, cause: str) -> None:
    with pytest.raises(BundleCorruptError) as caught:
        decode_samples(data, "p")
    assert caught.value.message.startswith(message)
    assert cause in caught.value.cause


def encoded(info: ServerInfo) -> bytes:
    return msgspec.json.encode(server_document(info))


def test_what_the_server_says_survives_with_its_gaps() -> None:
    info = ServerInfo(
        models=(ServedModel("m", 1 << 62, "AVAILABLE"),),
        signatures={"m": {"serving_default": {"inputs": {"x": {"dtype": "DT_FLOAT"}}}}},
        batching_parameters=Unavailable("no --batching-parameters"),
    )
    assert decode_server(encoded(info), "p") == info
    nothing = ServerInfo(Unavailable("a"), Unavailable("b"), Unavailable("c"))
    assert decode_server(encoded(nothing), "p") == nothing


def test_what_the_server_was_not_asked_is_not_in_the_bundle() -> None:
    absent = Unavailable("not in the bundle")
    assert decode_server(b'{"later": 1}', "p") == ServerInfo(absent, absent, absent)


@pytest.mark.parametrize(
    "data", [b"", b"[]", b'{"models": 3}', b'{"models": [{"name": 1}]}', b'{"models": {}}']
)
def test_server_words_of_another_shape_are_refused(data: bytes) -> None:
    with pytest.raises(BundleCorruptError, match=r"^p: cannot be read"):
        decode_server(data, "p")
