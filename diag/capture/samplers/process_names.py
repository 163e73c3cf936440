"""Adds names to the processes that the GPU driver lists by id, and marks the server.

The driver uses process ids of the host, in some containers those of the container. An id is looked
up only if it is known to mean the same here: in the host's PID namespace, or after the driver has
listed the server's own id.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil

from diag.model.availability import Unavailable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from diag.capture.samplers.reader import Reader, Sample
    from diag.model.samples import SampledDevice

_FIELD = "processes"
_NAME_MAX_CHARACTERS = 100
# include/linux/proc_ns.h, PROC_PID_INIT_INO: the inode of the host's PID namespace.
_FIRST_NAMESPACE = "pid:[4026531836]"


def sees_all_processes() -> bool:
    """Whether process ids here are those of the host."""
    try:
        return str(Path("/proc/self/ns/pid").readlink()) == _FIRST_NAMESPACE
    except OSError:
        return False


def with_process_names(
    reader: Reader | Unavailable, server: int | Unavailable
) -> Reader | Unavailable:
    """Wrap a reader so that its processes have names; an Unavailable is returned as it is.

    Args:
        reader: Reads GPUs.
        server: Process id of the server, if known.
    """
    return reader if isinstance(reader, Unavailable) else NamedProcesses(reader, server)


class NamedProcesses:
    """A reader that adds names to the ``processes`` of another reader."""

    def __init__(
        self, reader: Reader, server: int | Unavailable, *, same_numbers: bool | None = None
    ) -> None:
        """Wrap a reader.

        Args:
            reader: Reads GPUs.
            server: Process id of the server, if known.
            same_numbers: Whether the driver's process ids are valid here; None finds out.
        """
        self._reader = reader
        self._server = server
        self._same = sees_all_processes() if same_numbers is None else same_numbers
        self._names: dict[int, str] = {}

    @property
    def source(self) -> str:
        """As ``Reader``."""
        return self._reader.source

    @property
    def period_ns(self) -> int:
        """As ``Reader``."""
        return self._reader.period_ns

    @property
    def units(self) -> Mapping[str, str]:
        """As ``Reader``."""
        return self._reader.units

    @property
    def missing(self) -> Mapping[str, str]:
        """As ``Reader``."""
        return self._reader.missing

    @property
    def devices(self) -> tuple[SampledDevice, ...]:
        """As ``Reader``."""
        return self._reader.devices

    @property
    def detail(self) -> str:
        """As ``Reader``."""
        return self._reader.detail

    def read(self) -> Sample:
        """As ``Reader``, with names.

        Raises:
            OSError: The source cannot be read any more.
        """
        return self._named(self._reader.read())

    def timed(self, *, last: bool) -> list[Sample]:
        """As ``Reader``, with names."""
        return [self._named(sample) for sample in self._reader.timed(last=last)]

    def background_cpu_ns(self) -> int:
        """As ``Reader``."""
        return self._reader.background_cpu_ns()

    def close(self) -> None:
        """As ``Reader``."""
        self._reader.close()

    def _named(self, sample: Sample) -> Sample:
        lists = sample.get(_FIELD)
        if not lists:
            return sample
        numbers = {record["pid"] for records in lists if records for record in records}
        self._same = self._same or self._server in numbers
        if not self._same:
            return sample
        named = [None if each is None else [self._record(one) for one in each] for each in lists]
        return {**sample, _FIELD: named}

    def _record(self, record: dict[str, Any]) -> dict[str, Any]:
        number = record["pid"]
        name = self._name_of(number)
        extra: dict[str, Any] = {"name": name} if name else {}
        if number == self._server:
            extra["is_server"] = True
        return {**record, **extra}

    def _name_of(self, number: int) -> str:
        """The process's name, "" if it has ended; looked up once per process."""
        if number not in self._names:
            try:
                name = psutil.Process(number).name()
            except (psutil.Error, ValueError, OverflowError):
                name = ""
            self._names[number] = name[:_NAME_MAX_CHARACTERS]
        return self._names[number]
