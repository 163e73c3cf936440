"""The command line of a running server, and the files that it names."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from diag.errors import InputError, SourceNotFoundError
from diag.formats.config.place import Place
from diag.linting.commands import PROGRAM, in_process
from diag.linting.documents import Container, ServerCommand
from diag.linting.reading import read_paths

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from diag.linting.documents import Document

_PROC = Path("/proc")
_FILE_FLAGS = (
    "batching_parameters_file",
    "model_config_file",
    "monitoring_config_file",
    "platform_config_file",
    "tensorflow_session_config_file",
)


def read_process(pid: int, given: Iterable[Document]) -> Iterator[Document]:
    """The command of a process, then the files that its flags name and that can be read.

    A server in a container has a root folder of its own, through which they are read.

    Args:
        pid: As this host counts.
        given: What was read already; files of the same base name are not read again.

    Raises:
        SourceNotFoundError: There is no such process.
        InputError: Its command line cannot be read, or it is no model server.
    """
    folder = _PROC / str(pid)
    try:
        raw = (folder / "cmdline").read_bytes()
    except FileNotFoundError as exc:
        raise SourceNotFoundError(
            f"no process {pid} on this host", hint=f"pgrep -f {PROGRAM} lists the servers"
        ) from exc
    except OSError as exc:
        raise InputError(f"process {pid} cannot be read", cause=str(exc)) from exc
    words = [word.decode("utf-8", "backslashreplace") for word in raw.split(b"\0")[:-1]]
    program = next((n for n, word in enumerate(words) if word.endswith(PROGRAM)), None)
    if program is None:
        raise InputError(
            f"process {pid} is no {PROGRAM}", hint=f"pgrep -f {PROGRAM} lists the servers"
        )
    container = Container(cpus=_cpu_limit(folder))
    command = in_process(words[program + 1 :], Place(f"process {pid}"), container)
    yield command
    names = {Path(each.place.path).name for each in given}
    yield from _files(command, folder / "root", names)


def _files(command: ServerCommand, root: Path, names: set[str]) -> Iterator[Document]:
    for flag in _FILE_FLAGS:
        path = command.text(flag)
        if not path.startswith("/") or Path(path).name in names:
            continue
        inside = root / path.lstrip("/")
        try:
            if inside.is_file() and os.access(inside, os.R_OK):
                yield from read_paths([inside]).documents
        except OSError:
            continue  # another user's container: its command line still counts


def _cpu_limit(folder: Path) -> float | None:
    """CPUs by the quota of its cgroup (cgroup v2, cpu.max: quota and period in µs)."""
    try:
        line = next(
            each for each in (folder / "cgroup").read_text().splitlines() if each.startswith("0::")
        )
        inside = Path("/sys/fs/cgroup") / line[3:].lstrip("/") / "cpu.max"
        quota, period = inside.read_text().split()
        return int(quota) / int(period) if quota != "max" else None
    except (OSError, ValueError, StopIteration, ZeroDivisionError):
        return None
