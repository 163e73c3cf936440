from __future__ import annotations

import os
import threading
import time
from dataclasses import replace
from typing import Any

from diag.capture.samplers.host.reader import HOST_PERIOD_NS, SHARE_MIN_NS, HostReader
from diag.capture.samplers.sampler import Sampler
from diag.capture.server.local_server import LocalServer
from diag.formats.text.samples import decode_samples, encode_samples
from diag.model.availability import Unavailable
from diag.model.samples import SampledDevice, SamplerCost, SampleSeries


class Counter:
    """A reader that counts, and fails from ``fails_at`` on."""

    source = "host"
    period_ns = 1_000_000
    missing: dict[str, str] = {}  # noqa: RUF012
    devices: tuple[SampledDevice, ...] = ()
    detail = "a counter"

    def __init__(self, fails_at: int = 10**9) -> None:
        self.units = {"n": "readings"}
        self.count = 0
        self.closed = 0
        self._fails_at = fails_at

    def read(self) -> dict[str, Any]:
        if self.count >= self._fails_at:
            raise OSError("gone")
        self.count += 1
        return {"n": self.count}

    def timed(self, *, last: bool) -> list[dict[str, Any]]:
        return [{"unix_ns": 1, "n": -1}] if last else []

    def background_cpu_ns(self) -> int:
        return 5_000_000_000

    def close(self) -> None:
        self.closed += 1


class Stuck(Counter):
    """A reader whose third reading does not return before ``released``."""

    def __init__(self) -> None:
        super().__init__()
        self.entered = threading.Event()
        self.released = threading.Event()

    def read(self) -> dict[str, Any]:
        if self.count == 2:
            self.entered.set()
            self.released.wait(10)
        return super().read()


def wait_for(counter: Counter, count: int) -> None:
    deadline = time.monotonic() + 10
    while counter.count < count and time.monotonic() < deadline:
        time.sleep(0.001)


def test_it_samples_from_start_to_stop_and_lets_go() -> None:
    counter = Counter()
    sampler = Sampler(counter)
    sampler.start()
    wait_for(counter, 5)
    series = sampler.stop()
    assert isinstance(series, SampleSeries)
    # The reader's last samples have their own times, and samples are sorted by time.
    assert [sample["n"] for sample in series.samples] == [-1, *range(1, counter.count + 1)]
    assert len(series.samples) >= 5
    sampler.close()
    assert counter.closed == 1


def test_a_reader_that_fails_midway_keeps_what_it_gave_and_says_so() -> None:
    counter = Counter(fails_at=3)
    sampler = Sampler(counter)
    sampler.start()
    wait_for(counter, 3)
    time.sleep(0.01)
    series = sampler.stop()
    assert isinstance(series, SampleSeries)
    assert len(series.samples) == 3
    assert series.missing == {"samples": "none after reading 3: gone"}


def test_a_reader_that_fails_at_once_gives_a_reason() -> None:
    sampler = Sampler(Counter(fails_at=0))
    sampler.start()
    time.sleep(0.01)
    assert sampler.stop() == Unavailable("gone")


def test_it_says_what_it_cost_with_what_the_readers_own_threads_took() -> None:
    counter = Counter()
    sampler = Sampler(counter)
    sampler.start()
    wait_for(counter, 5)
    series = sampler.stop()
    assert isinstance(series, SampleSeries)
    assert isinstance(series.cost, SamplerCost)
    assert series.cost.readings == counter.count
    assert 5_000_000_000 < series.cost.cpu_ns < 6_000_000_000
    assert 4_000_000 < series.cost.elapsed_ns < 10_000_000_000


def test_a_sink_has_every_sample_at_once_and_nothing_is_kept() -> None:
    counter, sink = Counter(), list[dict[str, Any]]()
    sampler = Sampler(counter, sink=sink.append)
    sampler.start()
    wait_for(counter, 5)
    assert sink
    series = sampler.stop()
    assert isinstance(series, SampleSeries)
    assert series.samples == ()
    assert [sample["n"] for sample in sink] == [*range(1, counter.count + 1), -1]


def test_a_reading_that_hangs_ends_without_it_and_keeps_what_was_before() -> None:
    stuck = Stuck()
    sampler = Sampler(stuck, stop_timeout_ns=50_000_000)
    sampler.start()
    assert stuck.entered.wait(10)
    begun = time.monotonic()
    series = sampler.stop()
    assert time.monotonic() - begun < 5
    assert isinstance(series, SampleSeries)
    assert [sample["n"] for sample in series.samples] == [1, 2]
    assert series.missing["samples"].startswith("none after reading 2: a reading did not return")
    assert stuck.closed == 0
    # After it returns, its reader is closed.
    stuck.released.set()
    deadline = time.monotonic() + 10
    while not stuck.closed and time.monotonic() < deadline:
        time.sleep(0.001)
    assert stuck.closed == 1


class Strange(Counter):
    """A reader of one GPU with invalid values."""

    source = "gpu"
    missing = {"0:power_mw": "why \udcff"}  # noqa: RUF012
    devices = (SampledDevice("H200 \udcff" + "x" * 2000),)

    def __init__(self) -> None:
        super().__init__()
        self.units = {"n": "readings", "share": "%"}

    def read(self) -> dict[str, Any]:
        return {**super().read(), "share": [50 if self.count == 1 else float("nan")]}


def test_what_no_sample_can_hold_costs_nothing_else() -> None:
    strange = Strange()
    sampler = Sampler(strange)
    sampler.start()
    wait_for(strange, 3)
    series = sampler.stop()
    assert isinstance(series, SampleSeries)
    assert series.missing == {"0:power_mw": "why \ufffd", "0:share": "nan is not a valid value"}
    assert series.devices[0].name == "H200 \ufffd" + "x" * 1018
    assert [sample["n"] for sample in series.samples] == [-1, *range(1, strange.count + 1)]
    assert [sample["share"] for sample in series.samples if "share" in sample] == [[50]]
    assert decode_samples(encode_samples(series), "here").samples == series.samples
    assert replace(series, samples=(), cost=sampler.header().cost) == sampler.header()


def test_a_reader_that_breaks_is_a_failure_of_its_own() -> None:
    class Broken(Counter):
        def read(self) -> dict[str, Any]:
            if self.count == 2:
                raise UnicodeDecodeError("utf-8", b"\xff", 0, 1, "no text")
            return super().read()

    broken = Broken()
    sampler = Sampler(broken)
    sampler.start()
    wait_for(broken, 2)
    time.sleep(0.01)
    series = sampler.stop()
    assert isinstance(series, SampleSeries)
    assert series.missing["samples"].startswith("none after reading 2: UnicodeDecodeError: ")
    assert len(series.samples) == 2


def test_one_that_was_never_started_can_be_closed() -> None:
    counter = Counter()
    Sampler(counter).close()
    assert counter.closed == 1


def test_a_host_reading_has_exactly_the_fields_it_has_units_for() -> None:
    reader = HostReader(LocalServer(Unavailable("a stranger's process")))
    reader.read()
    time.sleep(SHARE_MIN_NS / 1e9)
    fields = reader.read()
    assert fields.keys() == reader.units.keys()
    assert reader.missing["server_cpu_percent"] == "a stranger's process"
    series = SampleSeries("host", 1, dict(reader.units), ({"unix_ns": 1, **fields},))
    assert decode_samples(encode_samples(series), "here").samples == series.samples


SHARES = {"cpu_percent", "steal_percent", "diag_cpu_percent", "server_cpu_percent"}


def test_shares_of_cpu_time_need_time_to_be_shares_of() -> None:
    reader = HostReader(LocalServer(os.getpid()))
    first = reader.read()
    at_once = reader.read()
    burn(2 * SHARE_MIN_NS)
    later = reader.read()
    assert first.keys() & SHARES == set()
    assert at_once.keys() & SHARES == set()
    assert first["server_memory_bytes"] > 0
    assert later.keys() >= SHARES
    assert later["server_cpu_percent"] > 0
    assert max(later["cpu_percent"]) > 0


def test_no_sample_of_the_samplers_thread_holds_a_share_of_no_time() -> None:
    sampler = Sampler(HostReader(LocalServer(os.getpid())))
    sampler.start()
    burn(8 * HOST_PERIOD_NS)  # the sampler gets the interpreter late while this one burns
    series = sampler.stop()
    assert isinstance(series, SampleSeries)
    first, *others = series.samples
    assert first.keys() & SHARES == set()
    assert "load_1m" in first
    shares = [max(sample["cpu_percent"]) for sample in others if "cpu_percent" in sample]
    assert len(shares) >= 2
    # One of them may be a true 0: the kernel counts CPU time in ticks of 10 ms.
    assert sum(shares) / len(shares) > 10


def burn(duration_ns: int) -> None:
    end_ns = time.monotonic_ns() + duration_ns
    while time.monotonic_ns() < end_ns:
        pass
