"""Reader: what a sampler needs of anything that can be sampled."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping

    from diag.model.samples import SampledDevice

Sample = dict[str, Any]


class Reader(Protocol):
    """A source of samples; one thread reads it at any time."""

    @property
    def source(self) -> str:
        """Name of the source: ``host``, ``gpu`` or ``dcgm``."""

    @property
    def period_ns(self) -> int:
        """Time between two readings in ns."""

    @property
    def units(self) -> Mapping[str, str]:
        """Unit by field."""

    @property
    def missing(self) -> Mapping[str, str]:
        """Reason by field that cannot be read; may grow with each reading."""

    @property
    def devices(self) -> tuple[SampledDevice, ...]:
        """The GPUs in the order of the lists in the fields; empty if fields are not per GPU."""

    @property
    def detail(self) -> str:
        """Short description of what is read."""

    def read(self) -> Sample:
        """Current values of some of the fields of ``units``.

        Raises:
            OSError: The source cannot be read any more.
        """

    def timed(self, *, last: bool) -> list[Sample]:
        """Samples with their own ``unix_ns`` that became available since the last call.

        Args:
            last: Whether sampling ends, so that this is the last call.
        """

    def background_cpu_ns(self) -> int:
        """CPU time in ns that the reader's own threads have used so far."""

    def close(self) -> None:
        """Release all resources."""
