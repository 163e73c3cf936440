from __future__ import annotations

from pathlib import Path

import pytest

from diag.capture.samplers.host.cgroup import find_cpu_stat, throttling
from diag.model.availability import Unavailable

V2 = "usage_usec 5\nnr_periods {}\nnr_throttled {}\nthrottled_usec {}\n"


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def test_v2_takes_the_nearest_group_with_a_limit(tmp_path: Path) -> None:
    write(tmp_path / "proc/7/cgroup", "0::/pod/container/inner\n")
    top = tmp_path / "sys/fs/cgroup"
    write(top / "pod/container/inner/cpu.stat", V2.format(0, 0, 0))
    limited = write(top / "pod/container/cpu.stat", V2.format(10, 4, 1234))
    write(top / "pod/cpu.stat", V2.format(99, 9, 9))
    assert find_cpu_stat(7, tmp_path) == limited
    assert throttling(limited) == (10, 4, 1_234_000)


def test_v1_counts_in_nanoseconds(tmp_path: Path) -> None:
    write(tmp_path / "proc/self/cgroup", "4:cpu,cpuacct:/docker/a\n3:memory:/docker/a\n")
    path = tmp_path / "sys/fs/cgroup/cpu,cpuacct/docker/a/cpu.stat"
    write(path, "nr_periods 10\nnr_throttled 3\nthrottled_time 777\n")
    assert find_cpu_stat(None, tmp_path) == path
    assert throttling(path) == (10, 3, 777)


def test_within_a_container_the_visible_top_is_the_own_group(tmp_path: Path) -> None:
    write(tmp_path / "proc/7/cgroup", "0::/../../somewhere\n")
    write(tmp_path / "proc/self/cgroup", "0::/../../somewhere\n")
    path = write(tmp_path / "sys/fs/cgroup/cpu.stat", V2.format(1, 0, 0))
    assert find_cpu_stat(7, tmp_path) == path


@pytest.mark.parametrize("group", ["/../other-container", "/docker/other-container"])
def test_the_group_of_another_container_is_not_taken_for_the_visible_one(
    tmp_path: Path, group: str
) -> None:
    write(tmp_path / "proc/7/cgroup", f"0::{group}\n")
    write(tmp_path / "proc/self/cgroup", "0::/docker/this-container\n")
    write(tmp_path / "sys/fs/cgroup/cpu.stat", V2.format(9, 9, 9))
    found = find_cpu_stat(7, tmp_path)
    assert found == Unavailable("the cgroup of the process is not visible from this container")


@pytest.mark.parametrize("text", ["0::/a\n", "3:memory:/a\n", ""])
def test_a_group_without_throttling_counters_is_a_reason(tmp_path: Path, text: str) -> None:
    write(tmp_path / "proc/7/cgroup", text)
    write(tmp_path / "sys/fs/cgroup/cpu.stat", "usage_usec 5\n")
    assert isinstance(find_cpu_stat(7, tmp_path), Unavailable)


def test_a_process_that_cannot_be_seen_is_a_reason(tmp_path: Path) -> None:
    found = find_cpu_stat(7, tmp_path)
    assert isinstance(found, Unavailable)
    assert "No such file" in found.reason
