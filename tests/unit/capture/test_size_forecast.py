from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from diag.capture.disk_space import OTHER_PARTS_BYTES, check_disk_space, size_text
from diag.capture.plan import MS, SECOND, CapturePlan
from diag.capture.size_forecast import SizeForecast, check_size, warm_up
from diag.capture.tracers.trace_source import TraceRecording
from diag.errors import OutputError, ResponseTooLargeError
from tests.support.serving import space_of


def test_the_size_grows_with_time() -> None:
    forecast = SizeForecast(trial_bytes=1_000_000, trial_ns=200 * MS, trial_events=1000)
    assert forecast.bytes_for(2 * SECOND) == 10_000_000
    assert forecast.duration_for(2_600_000) == 500 * MS  # 0.52 s in whole tenths


def test_what_fits_exactly_is_allowed_and_one_byte_more_is_not() -> None:
    forecast = SizeForecast(trial_bytes=1_000_000, trial_ns=200 * MS, trial_events=1000)
    check_size(forecast, CapturePlan(server="h:1", max_bytes=10_000_000))
    with pytest.raises(ResponseTooLargeError) as caught:
        check_size(forecast, CapturePlan(server="h:1", max_bytes=9_999_999))
    assert caught.value.hint == "record 1.9 s, lower `host_tracer_level`, or raise `max_bytes`"
    assert caught.value.retry == {"duration_ns": 1900 * MS}


def test_when_nothing_fits_it_says_so() -> None:
    forecast = SizeForecast(trial_bytes=1_000_000, trial_ns=200 * MS, trial_events=1000)
    with pytest.raises(ResponseTooLargeError) as caught:
        check_size(forecast, CapturePlan(server="h:1", max_bytes=1000, host_tracer_level=1))
    assert caught.value.hint == "no length of recording fits; raise `max_bytes`"
    assert caught.value.retry == {}


def test_an_empty_trial_predicts_nothing_and_refuses_nothing() -> None:
    forecast = SizeForecast(trial_bytes=0, trial_ns=200 * MS, trial_events=0)
    check_size(forecast, CapturePlan(server="h:1", max_bytes=1))
    assert forecast.bytes_for(2 * SECOND) == 0


def test_a_full_disk_is_found_before_recording(tmp_path: Path) -> None:
    needed = 1_000_000 + OTHER_PARTS_BYTES
    check_disk_space(tmp_path / "b", 1_000_000, lambda folder: needed)
    with pytest.raises(OutputError, match="not enough disk space") as caught:
        check_disk_space(tmp_path / "b", 1_000_000, lambda folder: needed - 1)
    assert str(tmp_path) in caught.value.cause
    check_disk_space(tmp_path / "b", 0)  # and this disk has room


class Recording:
    """A trace source whose recordings always hold these lines."""

    name = "test"

    def __init__(self, lines: str) -> None:
        self._xspace = space_of(lines)

    def record(self, duration_ns: int, tracer_level: int, **options: Any) -> TraceRecording:
        assert (duration_ns, tracer_level, options) == (200 * MS, 2, {"keep": False})
        return TraceRecording(self._xspace, 0, 0)


def test_a_size_is_only_predicted_from_enough_events() -> None:
    plan = CapturePlan(server="h:1")
    idle = warm_up(Recording("line a"), plan)
    assert idle.describe(2 * SECOND) == "size not predicted: no event in 0.2 s of warm-up"
    single = warm_up(Recording("line a\n  Run 1..2ms"), plan)
    assert single.describe(2 * SECOND) == "size not predicted: only 1 event in 0.2 s of warm-up"
    many = "line a\n" + "\n".join(f"  Run {at}..{at + 1}ms" for at in range(100))
    busy = warm_up(Recording(many), plan)
    assert busy.trial_events == 100
    assert busy.bytes_for(2 * SECOND) == 10 * busy.trial_bytes
    assert busy.describe(2 * SECOND) == (
        f"expecting about {busy.trial_bytes / 100:.2g} kB at this load"
    )


def test_sizes_have_decimal_units() -> None:
    sizes = (0, 1, 85, 999, 1000, 326_000, 2_134_567, 512_000_000, 3_000_000_000)
    assert [size_text(size) for size in sizes] == [
        "0 bytes",
        "1 byte",
        "85 bytes",
        "999 bytes",
        "1 kB",
        "326 kB",
        "2.13 MB",
        "512 MB",
        "3 GB",
    ]
    # Rounded to two digits, never written with an exponent.
    assert [size_text(size, 2) for size in (876_543, 999_600, 2_134_567)] == [
        "880 kB",
        "1,000 kB",
        "2.1 MB",
    ]
