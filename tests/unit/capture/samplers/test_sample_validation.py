"""Values of drivers and exporters are validated before they become samples."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from diag.capture.samplers.sample_validation import SampleValidation, valid_device, valid_text
from diag.formats.text.samples import LIST_MAX, decode_samples, encode_samples
from diag.model.samples import SampledDevice, SampleSeries

UNITS = {"share": "%", "ratio": "ratio", "clock": "MHz", "mask": "bit mask", "processes": "records"}


def cleaned(**fields: Any) -> tuple[dict[str, Any], dict[str, str]]:
    cleaning = SampleValidation(of_devices=True)
    sample = cleaning.validate({"unix_ns": 1, **fields}, UNITS)
    assert sample.pop("unix_ns") == 1
    return sample, cleaning.missing


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("share", (1 << 64) - 1, "an integer of 64 bits is not a valid value"),
        ("share", 4294967295, "4.29497e+09 is outside the valid range, 0 to 100"),
        ("share", -1, "-1 is outside the valid range, 0 to 100"),
        ("share", float("nan"), "nan is not a valid value"),
        ("share", float("-inf"), "-inf is not a valid value"),
        ("ratio", 1.5, "1.5 is outside the valid range, 0 to 1"),
        ("clock", 4294967295, "4.29497e+09 is outside the valid range, 0 to 1e+06"),
        ("mask", 1 << 63, "an integer of 64 bits is not a valid value"),
        ("mask", -(1 << 2000), "an integer of 2001 bits is not a valid value"),
        ("mask", {1}, "a set is not a valid value"),
    ],
)
def test_a_value_beyond_reason_is_none_of_that_device_only(
    name: str, value: Any, reason: str
) -> None:
    assert cleaned(**{name: [value, 1]}) == ({name: [None, 1]}, {f"0:{name}": reason})
    assert cleaned(**{name: [value]}) == ({}, {f"0:{name}": reason})


def test_what_is_within_reason_stays_as_it_is() -> None:
    fields = {"share": [0, 100.0, None], "ratio": [1, 0.5, 0], "mask": [(1 << 63) - 1, 0, 1]}
    assert cleaned(**fields) == (fields, {})


def test_records_keep_what_can_be_kept() -> None:
    records = [{"pid": 1, "name": "a\udcffb", "memory_bytes": 1 << 64}, {"pid": 2}]
    sample, missing = cleaned(processes=[records])
    assert sample["processes"] == [
        [{"pid": 1, "name": "a\ufffdb", "memory_bytes": None}, {"pid": 2}]
    ]
    assert missing == {"0:processes.memory_bytes": "an integer of 65 bits is not a valid value"}


def test_more_records_than_can_be_read_again_are_cut() -> None:
    sample, missing = cleaned(processes=[[{"pid": pid} for pid in range(LIST_MAX + 2)]])
    assert len(sample["processes"][0]) == LIST_MAX
    assert missing == {"0:processes": "2 records are left out"}


def test_a_field_without_a_unit_is_left_out() -> None:
    assert cleaned(strange=[1]) == ({}, {})


def test_a_host_may_use_more_than_one_core() -> None:
    cleaning = SampleValidation(of_devices=False)
    sample = {"unix_ns": 1, "server": 350.0, "cores": [101.0, 7.0]}
    assert cleaning.validate(sample, {"server": "%", "cores": "%"}) == sample
    assert cleaning.missing == {}


def test_a_device_is_named_by_texts_within_reason() -> None:
    device = valid_device(SampledDevice("", "\udc80" + "x" * 2000, is_mig=True), 3)
    assert device == SampledDevice("GPU 3", "\ufffd" + "x" * 1023, is_mig=True)
    assert valid_text("H200 \u202e") == "H200 \u202e"


SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(st.characters()), st.binary()
)
RECORDS = st.lists(st.dictionaries(st.text(st.characters()), SCALARS, max_size=3), max_size=3)


@given(st.dictionaries(st.sampled_from(sorted(UNITS)), st.tuples(SCALARS | RECORDS, SCALARS)))
def test_whatever_was_read_can_be_written_and_read_again(fields: dict[str, Any]) -> None:
    cleaning = SampleValidation(of_devices=True)
    given_lists = {name: list(values) for name, values in fields.items()}
    sample = cleaning.validate({"unix_ns": 1, **given_lists}, UNITS)
    devices = (SampledDevice("a"), SampledDevice("b"))
    series = SampleSeries("gpu", 1, UNITS, (sample,), cleaning.missing, devices)
    assert decode_samples(encode_samples(series), "here").samples == series.samples
