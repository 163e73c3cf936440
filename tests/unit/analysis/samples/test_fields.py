"""Samples, field by field."""

from __future__ import annotations

from diag.analysis.samples.fields import FieldSummary, readings_in, summarize_fields
from diag.model.availability import Unavailable
from diag.model.samples import SampleSeries

LEVEL = Unavailable("not a counter")


def series(units: dict[str, str], *samples: dict[str, object], **missing: str) -> SampleSeries:
    return SampleSeries("host", 50, units, tuple(samples), missing)


def test_a_level_has_mean_and_maximum_over_all_elements():
    summary = summarize_fields(series({"cpu": "%"}, {"cpu": [10, 20]}, {"cpu": [30, 40.0]}))
    assert summary == (FieldSummary("cpu", "%", 25.0, 40.0, LEVEL),)


def test_a_counter_has_only_its_increase():
    throttled = {"throttled_ns": "ns, counted up"}
    (field,) = summarize_fields(series(throttled, {"throttled_ns": 5}, {"throttled_ns": 12}))
    assert (field.unit, field.increase) == ("ns", 7.0)
    assert isinstance(field.mean, Unavailable)


def test_a_field_absent_from_some_samples_is_judged_by_the_others():
    (field,) = summarize_fields(series({"cpu": "%"}, {}, {"cpu": 8}))
    assert field.mean == 8.0


def test_a_field_never_sampled_says_why():
    (field,) = summarize_fields(series({"load": ""}, {"cpu": 1}, load="not readable"))
    assert field.mean == field.max == field.increase == Unavailable("not readable")


def test_what_is_not_a_finite_number_is_skipped():
    nested = [{"name": "x", "cpu": float("nan")}, 3, True, None]
    found = [(each.field, each.place, each.value) for each in readings_in("p", "", nested)]
    assert found == [("p", "1", 3), ("p", "2", 1.0)]


def test_that_a_process_is_the_server_is_no_measurement() -> None:
    records = [[{"pid": 41, "is_server": True, "name": "tfs", "sm_percent": 5}]]
    found = [(each.field, each.place, each.value) for each in readings_in("p", "records", records)]
    assert found == [("p.sm_percent", "0.41", 5)]
