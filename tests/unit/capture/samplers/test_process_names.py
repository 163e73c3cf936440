"""Processes on a GPU by name, and the server among them."""

from __future__ import annotations

import os
import subprocess
from typing import Any

from diag.capture.samplers.process_names import NamedProcesses
from diag.capture.samplers.sampler import Sampler
from diag.model.availability import Unavailable
from diag.model.samples import SampledDevice, SampleSeries

GONE = 2**22 + 1  # beyond the largest pid of Linux
UNKNOWN = Unavailable("its process cannot be seen from here")


class Gpu:
    """A reader that lists these processes on its second GPU."""

    source = "gpu"
    period_ns = 10_000_000
    units = {"processes": "records", "power_mw": "mW"}  # noqa: RUF012
    missing: dict[str, str] = {}  # noqa: RUF012
    devices = (SampledDevice("a"), SampledDevice("b"))
    detail = "2 GPUs"
    closed = False

    def __init__(self, *numbers: int) -> None:
        self.records = [{"pid": number, "sm_percent": 5} for number in numbers]

    def read(self) -> dict[str, Any]:
        return {"power_mw": [1, 2], "processes": [None, self.records]}

    def timed(self, *, last: bool) -> list[dict[str, Any]]:
        return [{"unix_ns": 7, "power_mw": [3, 4]}] if last else []

    def background_cpu_ns(self) -> int:
        return 11

    def close(self) -> None:
        self.closed = True


def listed(gpu: Gpu, server: int | Unavailable, *, same_numbers: bool = True) -> Any:
    sample = NamedProcesses(gpu, server, same_numbers=same_numbers).read()
    assert sample["power_mw"] == [1, 2]
    assert sample["processes"][0] is None
    return sample["processes"][1]


def test_a_process_has_its_programs_name_and_one_is_the_server() -> None:
    with subprocess.Popen(["/bin/sleep", "60"]) as other:
        records = listed(Gpu(os.getpid(), other.pid, GONE), other.pid)
        other.kill()
    assert records[0]["name"].startswith(("python", "pytest"))
    assert records[1] == {"pid": other.pid, "sm_percent": 5, "name": "sleep", "is_server": True}
    assert records[2] == {"pid": GONE, "sm_percent": 5}


def test_numbers_of_another_namespace_are_not_looked_up() -> None:
    gpu = Gpu(os.getpid())
    assert listed(gpu, UNKNOWN, same_numbers=False) == gpu.records
    assert listed(gpu, os.getpid() + 1, same_numbers=False) == gpu.records


def test_the_servers_own_number_shows_that_they_are_the_same() -> None:
    (record,) = listed(Gpu(os.getpid()), os.getpid(), same_numbers=False)
    assert record["is_server"]
    assert record["name"]


def test_all_else_is_the_readers_own() -> None:
    gpu = Gpu(os.getpid())
    sampler = Sampler(NamedProcesses(gpu, UNKNOWN))
    sampler.start()
    series = sampler.stop()
    assert isinstance(series, SampleSeries)
    assert (series.source, series.units, series.devices) == ("gpu", gpu.units, gpu.devices)
    assert {"unix_ns": 7, "power_mw": [3, 4]} in series.samples
    assert gpu.closed
