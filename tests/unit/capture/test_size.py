from __future__ import annotations

from pathlib import Path

import pytest

from diag.capture.disk_space import OTHER_PARTS_BYTES, check_disk_space
from diag.capture.plan import MS, SECOND, CapturePlan
from diag.capture.warm_up import SizeForecast, check_size
from diag.errors import OutputError, ResponseTooLargeError


def test_the_size_grows_with_time() -> None:
    forecast = SizeForecast(trial_bytes=1_000_000, trial_ns=200 * MS)
    assert forecast.bytes_for(2 * SECOND) == 10_000_000
    assert forecast.duration_for(2_600_000) == 500 * MS  # 0.52 s in whole tenths


def test_what_fits_exactly_is_allowed_and_one_byte_more_is_not() -> None:
    forecast = SizeForecast(trial_bytes=1_000_000, trial_ns=200 * MS)
    assert check_size(forecast, CapturePlan(server="h:1", max_bytes=10_000_000)) == 10_000_000
    with pytest.raises(ResponseTooLargeError) as caught:
        check_size(forecast, CapturePlan(server="h:1", max_bytes=9_999_999))
    assert caught.value.hint.startswith("--duration 1.9s fits")


def test_when_nothing_fits_it_says_so() -> None:
    forecast = SizeForecast(trial_bytes=1_000_000, trial_ns=200 * MS)
    with pytest.raises(ResponseTooLargeError) as caught:
        check_size(forecast, CapturePlan(server="h:1", max_bytes=1000, host_tracer_level=1))
    assert caught.value.hint == "no duration fits; record less, or raise --max-bytes"


def test_an_empty_trial_predicts_nothing_and_refuses_nothing() -> None:
    forecast = SizeForecast(trial_bytes=0, trial_ns=200 * MS)
    assert check_size(forecast, CapturePlan(server="h:1", max_bytes=1)) == 0


def test_a_full_disk_is_found_before_recording(tmp_path: Path) -> None:
    needed = 1_000_000 + OTHER_PARTS_BYTES
    check_disk_space(tmp_path / "b", 1_000_000, lambda folder: needed)
    with pytest.raises(OutputError, match="no room") as caught:
        check_disk_space(tmp_path / "b", 1_000_000, lambda folder: needed - 1)
    assert str(tmp_path) in caught.value.cause
    check_disk_space(tmp_path / "b", 0)  # and this disk has room
