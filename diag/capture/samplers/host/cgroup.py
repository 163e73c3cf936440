"""CPU throttling of a process's cgroup, where it can be seen.

Sources: Documentation/admin-guide/cgroup-v2.rst (cpu.stat: nr_periods, nr_throttled,
throttled_usec) and Documentation/scheduler/sched-bwc.rst (v1: throttled_time in ns).
"""

from __future__ import annotations

from pathlib import Path

from diag.model.availability import Unavailable

_V2_ROOT = Path("sys/fs/cgroup")
_V1_ROOTS = (Path("sys/fs/cgroup/cpu,cpuacct"), Path("sys/fs/cgroup/cpu"))


def find_cpu_stat(pid: int | None, root: Path = Path("/")) -> Path | Unavailable:
    """The ``cpu.stat`` that counts the throttling of a process.

    A limit is often set on a parent group (a pod); the nearest group that has counted periods is
    taken, else the process's own.

    Args:
        pid: Of the process; None is this one.
        root: Where /proc and /sys lie.
    """
    own = _read(root / "proc/self/cgroup")
    try:
        text = (root / "proc" / (str(pid) if pid else "self") / "cgroup").read_text()
    except OSError as exc:
        return Unavailable(f"the cgroup cannot be read: {exc.strerror}")
    candidates = _candidates(text, own, root)
    found = [path for path in candidates if "nr_throttled" in _read(path)]
    if not candidates and any(map(_tops, text.splitlines())):
        return Unavailable("the cgroup of the process cannot be seen from this container")
    if not found:
        return Unavailable("no cgroup of the process counts CPU throttling")
    return next((path for path in found if throttling(path)[0] > 0), found[0])


def throttling(cpu_stat: Path) -> tuple[int, int, int]:
    """Periods, periods throttled, time throttled in ns: counters since the group was made.

    Raises:
        OSError: The group is gone.
    """
    fields = dict(line.split(None, 1) for line in cpu_stat.read_text().splitlines() if " " in line)
    time_ns = (
        int(fields["throttled_usec"]) * 1000
        if "throttled_usec" in fields
        else int(fields.get("throttled_time", 0))
    )
    return int(fields.get("nr_periods", 0)), int(fields.get("nr_throttled", 0)), time_ns


def _candidates(text: str, own: str, root: Path) -> list[Path]:
    """The group's own ``cpu.stat`` and those above it, nearest first.

    Within a container only its own group is visible, at the top, under another name or as /../..;
    of another container's process nothing is, and that top would be the wrong one.
    """
    paths: list[Path] = []
    for line in text.splitlines():
        inner = Path(line.split(":", 2)[2].lstrip("/"))
        for top in (root / each for each in _tops(line)):
            if ".." not in inner.parts and (top / inner).is_dir():
                paths += [top / part / "cpu.stat" for part in (inner, *inner.parents)]
            elif line in own.splitlines():
                paths.append(top / "cpu.stat")
    return paths


def _tops(line: str) -> tuple[Path, ...]:
    """Where the group of a line of /proc/PID/cgroup would count CPU time."""
    controllers = line.split(":", 2)[1]
    if not controllers:
        return (_V2_ROOT,)
    return _V1_ROOTS if "cpu" in controllers.split(",") else ()


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:
        return ""
