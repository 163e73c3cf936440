"""CPU throttling of a process's cgroup, if it is visible.

Sources: Documentation/admin-guide/cgroup-v2.rst (cpu.stat: nr_periods, nr_throttled,
throttled_usec) and Documentation/scheduler/sched-bwc.rst (v1: throttled_time in ns).
"""

from __future__ import annotations

from pathlib import Path

from diag.model.availability import Unavailable

_V2_ROOT = Path("sys/fs/cgroup")
_V1_ROOTS = (Path("sys/fs/cgroup/cpu,cpuacct"), Path("sys/fs/cgroup/cpu"))


def find_cpu_stat(pid: int | None, root: Path = Path("/")) -> Path | Unavailable:
    """Path of the ``cpu.stat`` that counts the throttling of a process.

    The CPU limit is often set on a parent group, such as a pod's. This is the nearest group that
    has counted periods, else the process's own group.

    Args:
        pid: Process id; None is this process.
        root: Folder that contains proc and sys.
    """
    own = _read(root / "proc/self/cgroup")
    try:
        text = (root / "proc" / (str(pid) if pid else "self") / "cgroup").read_text()
    except OSError as exc:
        return Unavailable(f"the cgroup cannot be read: {exc.strerror}")
    candidates = _candidates(text, own, root)
    found = [path for path in candidates if "nr_throttled" in _read(path)]
    if not candidates and any(map(_tops, text.splitlines())):
        return Unavailable("the cgroup of the process is not visible from this container")
    if not found:
        return Unavailable("no cgroup of the process counts CPU throttling")
    return next((path for path in found if throttling(path)[0] > 0), found[0])


def throttling(cpu_stat: Path) -> tuple[int, int, int]:
    """Periods, throttled periods, and throttled time in ns, since the group was created.

    Raises:
        OSError: The group no longer exists.
    """
    fields = dict(line.split(None, 1) for line in cpu_stat.read_text().splitlines() if " " in line)
    time_ns = (
        int(fields["throttled_usec"]) * 1000
        if "throttled_usec" in fields
        else int(fields.get("throttled_time", 0))
    )
    return int(fields.get("nr_periods", 0)), int(fields.get("nr_throttled", 0)), time_ns


def _candidates(text: str, own: str, root: Path) -> list[Path]:
    """The ``cpu.stat`` of the group and of its parents, nearest first.

    A container sees only its own group, at the top of the tree, under another name or as /../..;
    groups of other containers are invisible, and the top must not be taken for one of them.
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
    """Roots of the trees in which the group of a line of /proc/PID/cgroup can be."""
    controllers = line.split(":", 2)[1]
    if not controllers:
        return (_V2_ROOT,)
    return _V1_ROOTS if "cpu" in controllers.split(",") else ()


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:
        return ""
