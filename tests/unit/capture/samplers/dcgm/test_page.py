"""The values of each host's GPUs and slices on a DCGM exporter's page."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from diag.capture.samplers.dcgm.fields import FIELDS
from diag.capture.samplers.dcgm.page import (
    SERIES_MAX,
    DeviceKey,
    HostPage,
    TooManySeriesError,
    fields_of,
    read_hosts,
)
from diag.errors import MetricsParseError
from diag.model.samples import SampledDevice
from tests.support.exporter import GR, UTIL, line, page

GPU_0, GPU_1 = DeviceKey(0, "GPU-0", -1), DeviceKey(1, "GPU-1", -1)


def only_host(*lines: str) -> HostPage:
    (found,) = read_hosts(page(*lines).decode()).values()
    return found


def test_each_gpu_has_its_own_value_whatever_the_order_of_lines() -> None:
    found = only_host(
        line(UTIL, 7, gpu=1),
        line(UTIL, 63),
        line("DCGM_FI_DEV_POWER_USAGE", "66.619000", gpu=1),
        line("DCGM_FI_DEV_MEM_CLOCK", 1215),
    )
    assert found.ordered() == (GPU_0, GPU_1)
    assert found.values["gpu_util_percent"] == {GPU_0: 63, GPU_1: 7}
    assert found.values["power_w"] == {GPU_1: 66.619}
    assert found.devices[GPU_1] == SampledDevice("NVIDIA L4", "GPU-1")
    assert [field.name for field in fields_of(found)] == ["gpu_util_percent", "power_w"]


def test_slices_are_devices_after_their_gpu() -> None:
    second = {"GPU_I_PROFILE": "3g.20gb", "GPU_I_ID": "2"}
    found = only_host(
        line(GR, 0.25, GPU_I_PROFILE="1g.5gb", GPU_I_ID="9"),
        line(GR, 0.75, **second),
        line("DCGM_FI_DEV_POWER_USAGE", 120),
        line("DCGM_FI_DEV_POWER_USAGE", 60, gpu=1),
    )
    assert [(found.devices[key].name, found.devices[key].is_mig) for key in found.ordered()] == [
        ("NVIDIA L4", True),
        ("NVIDIA L4 MIG 3g.20gb #2", True),
        ("NVIDIA L4 MIG 1g.5gb #9", True),
        ("NVIDIA L4", False),
    ]
    assert found.devices[DeviceKey(0, "GPU-0", 2)].uuid == "GPU-0/2"
    assert list(found.values["gr_engine_active_ratio"].values()) == [0.25, 0.75]


def test_each_hosts_gpus_are_its_own() -> None:
    hosts = read_hosts(page(line(UTIL, 1, host="a"), line(UTIL, 2, host="b")).decode())
    values = {host: found.values["gpu_util_percent"] for host, found in hosts.items()}
    assert values == {"a": {GPU_0: 1}, "b": {GPU_0: 2}}


def test_pods_that_share_a_gpu_are_one_gpu() -> None:
    found = only_host(line(UTIL, 50, pod="one"), line(UTIL, 50, pod="two"))
    assert found.values["gpu_util_percent"] == {GPU_0: 50}


def test_time_stamps_tell_when_it_was_collected() -> None:
    found = only_host(line(UTIL, "50 1700000000123"), line(GR, "0.5 1700000000125"))
    assert found.collected_unix_ns == {GPU_0: 1_700_000_000_125_000_000}


@pytest.mark.parametrize(
    "value",
    [
        "9223372036854775794",
        "9223372036854775792",
        "2147483632",
        "140737488355328",
        "140737488355330",
        "NaN",
        "+Inf",
        "-1",
        "101",
    ],
)
def test_what_dcgm_has_no_value_of_is_not_a_number(value: str) -> None:
    found = only_host(line(UTIL, value), line("DCGM_FI_DEV_GPU_TEMP", 40))
    assert found.values["gpu_util_percent"] == {GPU_0: None}
    assert [field.name for field in fields_of(found)] == ["temperature_celsius"]


def test_a_ratio_a_little_above_one_is_one() -> None:
    found = only_host(line(GR, 1.01), line(GR, 1.2, gpu=1))
    assert found.values["gr_engine_active_ratio"] == {GPU_0: 1.0, GPU_1: None}


def test_reasons_for_a_low_clock_have_two_names() -> None:
    for metric in ("DCGM_FI_DEV_CLOCKS_EVENT_REASONS", "DCGM_FI_DEV_CLOCK_THROTTLE_REASONS"):
        assert only_host(line(metric, 4)).values["throttle_reasons"] == {GPU_0: 4}


def test_series_without_a_gpu_and_other_pages_name_none() -> None:
    assert read_hosts(f'{UTIL}{{cpu="0"}} 1\n') == {}
    assert read_hosts(":tensorflow:serving:request_count 1\n<html>\n") == {}


def test_series_that_repeat_are_read_once_and_fast() -> None:
    text = page(*[line(UTIL, 50), *[line(UTIL, at % 100) for at in range(20_000)]]).decode()
    begun = time.thread_time()
    (found,) = read_hosts(text).values()
    assert found.values["gpu_util_percent"] == {GPU_0: 50}
    assert time.thread_time() - begun < 2


def test_more_series_than_any_node_has_are_not_read() -> None:
    text = page(*(line(UTIL, 1, pod=f"p{at}") for at in range(SERIES_MAX + 1))).decode()
    with pytest.raises(TooManySeriesError, match="GPUs, slices and pods"):
        read_hosts(text)


def test_names_beyond_reason_are_cut() -> None:
    long = {"modelName": "A" * 2000, "UUID": "B" * 2000}
    found = only_host(line(UTIL, 1, **long), line(GR, 0.5, GPU_I_ID="3", **long))
    whole, piece = (found.devices[key] for key in found.ordered())
    assert (whole.name, whole.uuid) == ("A" * 256, "B" * 256)
    assert (piece.name, piece.uuid) == ("A" * 256 + " MIG #3", "B" * 256 + "/3")


def test_a_broken_line_of_a_known_metric_is_named_and_others_are_not_looked_at() -> None:
    assert read_hosts(f"what is this {{{{\n{line(UTIL, 1)}\n")
    with pytest.raises(MetricsParseError, match="line 2"):
        read_hosts(f"{line(UTIL, 1)}\n{UTIL}{{gpu=\n")


@given(
    st.dictionaries(
        st.tuples(st.sampled_from(FIELDS), st.integers(0, 3), st.sampled_from(["", "1", "2"])),
        st.integers(0, 1),
        min_size=1,
        max_size=30,
    ),
    st.randoms(use_true_random=False),
)
def test_every_value_is_found_where_it_belongs(values: dict, shuffle) -> None:
    lines = [
        line(field.metrics[-1], value, gpu=gpu, GPU_I_ID=piece)
        for (field, gpu, piece), value in values.items()
    ]
    shuffle.shuffle(lines)
    found = only_host(*lines)
    read = {
        (name, key.gpu, key.slice_id): value
        for name, by_key in found.values.items()
        for key, value in by_key.items()
    }
    assert read == {
        (field.name, gpu, int(piece or -1)): value for (field, gpu, piece), value in values.items()
    }
