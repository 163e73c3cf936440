"""Samples of several GPUs, each taken by itself."""

from __future__ import annotations

from typing import Any

from diag.analysis.samples.devices import ClockLimit, summarize_sampled_devices
from diag.analysis.samples.fields import Reading, readings_in, summarize_fields
from diag.model.availability import Unavailable
from diag.model.samples import SampledDevice, SampleSeries

UNITS = {
    "utilization_percent": "%",
    "throttle_reasons": "bit mask",
    "energy_mj": "mJ, counted up",
    "processes": "",
}


def series(*samples: dict[str, Any], **missing: str) -> SampleSeries:
    return SampleSeries(
        source="gpu",
        period_ns=50_000_000,
        units=UNITS,
        samples=tuple({"unix_ns": i, **sample} for i, sample in enumerate(samples)),
        missing=missing,
        devices=(SampledDevice("A"), SampledDevice("B")),
    )


def test_a_mean_is_over_one_devices_samples_and_null_is_no_sample():
    first, second = summarize_sampled_devices(
        series({"utilization_percent": [10, None]}, {"utilization_percent": [30, 50]})
    )
    assert (first.fields[0].mean, first.fields[0].max) == (20, 30)
    assert (second.fields[0].mean, second.fields[0].max) == (50, 50)


def test_a_counter_rises_by_device():
    first, second = summarize_sampled_devices(
        series({"energy_mj": [10, 1000]}, {"energy_mj": [15, 1001]})
    )
    assert [first.fields[2].increase, second.fields[2].increase] == [5, 1]


def test_what_a_device_does_not_give_has_its_own_reason():
    own = series({"utilization_percent": [10, None]}, **{"1:utilization_percent": "MIG"})
    first, second = summarize_sampled_devices(own)
    assert first.fields[0].mean == 10
    assert second.fields[0].mean == Unavailable("MIG")


def test_a_reason_for_all_devices_holds_for_each():
    for device in summarize_sampled_devices(series({}, utilization_percent="no driver")):
        assert device.fields[0].mean == Unavailable("no driver")


def test_reasons_of_clocks_are_named_with_their_share_of_samples():
    both = series({"throttle_reasons": [0x24, 0]}, {"throttle_reasons": [0x4, 1 << 40]})
    first, second = summarize_sampled_devices(both)
    assert first.clock_limits == (
        ClockLimit("sw-power-cap", 1.0),
        ClockLimit("sw-thermal-slowdown", 0.5),
    )
    assert second.clock_limits == (ClockLimit("bit 40", 0.5),)


def test_clocks_that_were_not_sampled_are_not_said_to_be_free():
    (first, _) = summarize_sampled_devices(series({}, throttle_reasons="not supported"))
    assert first.clock_limits == Unavailable("not supported")
    (first, _) = summarize_sampled_devices(series({"throttle_reasons": [None, 0]}))
    assert first.clock_limits == Unavailable("never sampled")


def test_a_list_shorter_than_the_devices_gives_the_others_nothing():
    _, second = summarize_sampled_devices(series({"utilization_percent": [10]}))
    assert second.fields[0].mean == Unavailable("never sampled")


def test_bit_masks_and_process_ids_are_not_averaged():
    summaries = summarize_fields(
        series(
            {
                "throttle_reasons": [4, 8],
                "processes": [[{"pid": 7, "memory_bytes": 100, "sm_percent": 5}], []],
            },
            {"processes": [[{"pid": 9, "memory_bytes": 300, "sm_percent": None}], []]},
        )
    )
    found = {item.field: item for item in summaries}
    assert isinstance(found["throttle_reasons"].mean, Unavailable)
    assert (found["processes.memory_bytes"].mean, found["processes.memory_bytes"].unit) == (
        200,
        "bytes",
    )
    assert (found["processes.sm_percent"].mean, found["processes.sm_percent"].unit) == (5, "%")
    assert not [name for name in found if "pid" in name]


def test_readings_are_told_apart_by_device_and_process():
    value = [None, [{"pid": 7, "memory_bytes": 100}, {"pid": 8, "memory_bytes": None}]]
    assert list(readings_in("processes", "", value)) == [
        Reading("processes.memory_bytes", "1.7", 100, "bytes")
    ]
    assert list(readings_in("load", "tasks", 0.5)) == [Reading("load", "", 0.5, "tasks")]
    assert list(readings_in("cpu", "%", [1, "x", 2.5])) == [
        Reading("cpu", "0", 1, "%"),
        Reading("cpu", "2", 2.5, "%"),
    ]


def test_a_value_nested_without_end_is_no_reading():
    value: Any = 1
    for _ in range(500):
        value = [value]
    assert list(readings_in("deep", "", value)) == []


def test_a_host_has_no_devices():
    assert summarize_sampled_devices(SampleSeries("host", 1, {"load": ""}, ())) == ()
