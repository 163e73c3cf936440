"""Samples and the server's own words: round trips, and errors that name the line."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import msgspec
import pytest

from diag.errors import BundleCorruptError
from diag.formats.bundle.server import decode_server, server_document
from diag.formats.text.samples import decode_samples, encode_samples, writable
from diag.model.availability import Unavailable
from diag.model.samples import (
    SampledDevice,
    SamplerCost,
    SampleSeries,
    ServedModel,
    ServerInfo,
)

SERIES = SampleSeries(
    source="gpu",
    period_ns=166_666_667,
    units={"utilization_percent": "%", "power_mw": "mW"},
    samples=(
        {"unix_ns": 1_795_386_469_768_655_031, "utilization_percent": [61, 3], "power_mw": [70, 9]},
        {"unix_ns": 1_795_386_469_935_321_698, "utilization_percent": [0, 100]},
    ),
    missing={"power_mw": "Not Supported on GPU 1"},
    devices=(SampledDevice("NVIDIA L4", "GPU-a"), SampledDevice("NVIDIA L4", is_mig=True)),
    taken_by="10.0.0.7:9500",
    cost=SamplerCost(readings=2, cpu_ns=900_000, elapsed_ns=166_666_667),
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
        b'"missing":{"power_mw":"Not Supported on GPU 1"},'
        b'"devices":[{"name":"NVIDIA L4","uuid":"GPU-a","is_mig":false},'
        b'{"name":"NVIDIA L4","uuid":"","is_mig":true}],'
        b'"taken_by":"10.0.0.7:9500",'
        b'"cost":{"readings":2,"cpu_ns":900000,"elapsed_ns":166666667}}'
    )


def test_samples_are_written_and_read_in_order_of_time() -> None:
    """The driver's own samples come to light later than readings that are younger."""
    late, early = SERIES.samples[::-1]
    assert decode_samples(encode_samples(replace(SERIES, samples=(late, early))), "p") == SERIES
    data = HEADER + b'{"unix_ns":2,"a":1}\n{"unix_ns":1,"a":2}\n{"unix_ns":2,"a":3}\n'
    read = [(sample["unix_ns"], sample["a"]) for sample in decode_samples(data, "p").samples]
    assert read == [(1, 2), (2, 1), (2, 3)]


def test_a_series_of_before_devices_were_named_is_read() -> None:
    old = b'{"source":"gpu","period_ns":1,"units":{"a":"%"}}\n{"unix_ns":1,"a":[1,2,3]}\n'
    series = decode_samples(old, "p")
    assert (series.devices, series.taken_by) == ((), "diag")
    assert series.cost == Unavailable("not measured")
    assert series.samples[0]["a"] == [1, 2, 3]


def test_a_device_that_gives_nothing_has_null_in_its_place() -> None:
    processes = [[{"pid": 7, "memory_bytes": 1 << 40, "sm_percent": None}], None]
    sample = {"unix_ns": 1, "utilization_percent": [None, 3], "processes": processes}
    series = replace(SERIES, samples=(sample,), units={**SERIES.units, "processes": "processes"})
    assert decode_samples(encode_samples(series), "p") == series


@pytest.mark.parametrize(
    ("sample", "message"),
    [
        ({}, "has no unix_ns"),
        ({"unix_ns": 1.5}, "has no unix_ns"),
        ({"unix_ns": True}, "has no unix_ns"),
        ({"unix_ns": 1, "b": 1}, "has a field without a unit: b"),
        ({"unix_ns": 1, "power_mw": None}, "has no value in power_mw"),
        ({"unix_ns": 1, "power_mw": math.nan}, "has no value in power_mw"),
        ({"unix_ns": 1, "power_mw": [1, math.inf]}, "has no value in power_mw"),
        ({"unix_ns": 1, "power_mw": [1]}, "has 1 values for 2 devices in power_mw"),
    ],
)
def test_a_sample_that_would_hide_a_gap_is_not_written(
    sample: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=f"sample 0 {message}"):
        encode_samples(replace(SERIES, samples=(sample,)))


def test_a_series_that_cannot_be_written_is_a_reason() -> None:
    assert writable(SERIES) is SERIES
    (first, *_) = SERIES.samples
    (name, *_) = SERIES.units
    for value, reason in ((float("nan"), "sample 0 has "), ("\udcff", "surrogates not allowed")):
        found = writable(replace(SERIES, samples=({**first, name: value},)))
        assert isinstance(found, Unavailable)
        assert found.reason.startswith("what was sampled cannot be written: ")
        assert reason in found.reason


def test_a_device_without_a_name_is_not_written() -> None:
    with pytest.raises(ValueError, match="a device without a name"):
        encode_samples(replace(SERIES, devices=(SampledDevice(""), SampledDevice("b"))))


GPUS = b'{"source":"gpu","period_ns":1,"units":{"a":"%%","p":"processes"},"devices":[%s]%s}\n'
TWO = GPUS % (b'{"name":"x"},{"name":"y"}', b"")


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
        (HEADER + b'{"unix_ns":1,"a":1' + b"0" * 30 + b"}", "p, line 2: has no value in a", ""),
        (HEADER + b'{"unix_ns":1,"a":1e308}', "p, line 2: has no value in a", ""),
        (HEADER + b'{"unix_ns":1,"a":[[{"b":-1e20}]]}', "p, line 2: has a list that holds", ""),
        (HEADER + b'{"unix_ns":1,"a":1e999}', "p, line 2: not readable", "out of range"),
        (HEADER + b'{"unix_ns":1,"a":{"b":1}}', "p, line 2: has no value in a", ""),
        (HEADER + b'{"unix_ns":1,"a":[[[1]]]}', "p, line 2: has a list that holds no records", ""),
        (HEADER + b'{"unix_ns":1,"a":[[{"b":[]}]]}', "p, line 2: has a list that holds", ""),
        (HEADER + b'{"unix_ns":1,"a":' + b"[" * 9999, "p, line 2: not readable", "recursion"),
        (
            HEADER + b'{"unix_ns":1,"a":[' + b"1," * 4096 + b"1]}",
            "p, line 2: has 4,097 values in a",
            "",
        ),
        (TWO + b'{"unix_ns":1,"a":[1]}', "p, line 2: has 1 values for 2 devices in a", ""),
        (GPUS % (b"{}", b""), "p, line 1: not readable", "missing required field `name`"),
        (GPUS % (b'{"name":""}', b""), "p, line 1: has a device without a name", ""),
        (GPUS % (b'{"name":7}', b""), "p, line 1: not readable", "$.devices[0].name"),
        (GPUS % (b",".join([b'{"name":"x"}'] * 1025), b""), "p, line 1: names 1,025 devices", ""),
        (GPUS % (b"", b',"taken_by":null'), "p, line 1: not readable", "$.taken_by"),
        (GPUS % (b"", b',"cost":{"readings":1}'), "p, line 1: not readable", "cpu_ns"),
        (
            GPUS % (b"", b',"cost":{"readings":1,"cpu_ns":-1,"elapsed_ns":1}'),
            "p, line 1: has a cost with a number out of range",
            "",
        ),
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
