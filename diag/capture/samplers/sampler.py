"""A thread that reads something again and again beside the recording."""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Protocol

from diag.capture.samplers.sample_validation import SampleValidation, valid_device, valid_text
from diag.model.availability import Unavailable
from diag.model.samples import SamplerCost, SampleSeries

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from diag.model.samples import SampledDevice

Sample = dict[str, Any]

# A reading takes some milliseconds. A driver that has not answered by then does not answer at all
# (a GPU that fell off the bus can block a call for good), and the capture goes on without it.
STOP_TIMEOUT_NS = 2_000_000_000


class Reader(Protocol):
    """Something that can be read at any time, by one thread."""

    @property
    def source(self) -> str:
        """``host``, ``gpu`` or ``dcgm``."""

    @property
    def period_ns(self) -> int:
        """How often to read it."""

    @property
    def units(self) -> Mapping[str, str]:
        """Unit by field."""

    @property
    def missing(self) -> Mapping[str, str]:
        """Reason by field that cannot be read; may grow while it is read."""

    @property
    def devices(self) -> tuple[SampledDevice, ...]:
        """What the lists in its fields are in the order of; empty where that is not GPUs."""

    @property
    def detail(self) -> str:
        """What is read, in a few words."""

    def read(self) -> Sample:
        """Some of the fields of ``units``, now.

        Raises:
            OSError: It cannot be read any more.
        """

    def timed(self, *, last: bool) -> list[Sample]:
        """What has come to be known since the last call, each with a ``unix_ns`` of its own.

        Args:
            last: Sampling ends: nothing will be asked for any more.
        """

    def background_cpu_ns(self) -> int:
        """CPU time that threads of the reader's own took so far."""

    def close(self) -> None:
        """Let go of it."""


class Sampler:
    """Reads one Reader from ``start`` to ``stop`` on a thread of its own.

    Attributes:
        read_max_ns: The longest a single reading took: how exactly a sample's time is known.
    """

    def __init__(
        self,
        reader: Reader,
        *,
        sink: Callable[[Sample], None] | None = None,
        stop_timeout_ns: int = STOP_TIMEOUT_NS,
    ) -> None:
        """Prepare to sample.

        Args:
            reader: What to read; closed at the end, unless a reading hangs.
            sink: Given every sample on the sampler's thread, instead of keeping it for ``stop``.
            stop_timeout_ns: How long the end waits for a reading that does not come back.
        """
        self._reader = reader
        self._samples: list[Sample] = []
        self._sink = sink
        self._validation = SampleValidation(of_devices=bool(reader.devices))
        self._stop_timeout_ns = stop_timeout_ns
        # Held until the end. An Event would do, but waking up from one took 60 to 150 µs of CPU
        # time where the processor's caches had gone cold, from this 50: much of a reading's cost.
        self._sampling = threading.Lock()
        self._sampling.acquire()
        self._closed = False
        self._left_behind = False
        self._failure = ""
        self._readings = 0
        self._begun_ns = 0  # monotonic, of the reading in progress
        self._cost = SamplerCost(0, 0, 0)
        self._thread = threading.Thread(
            target=self._run, name=f"diag-{reader.source}-sampler", daemon=True
        )
        self.read_max_ns = 0

    def start(self) -> None:
        """Begin to sample."""
        self._thread.start()

    def close(self) -> None:
        """End sampling, if it was begun, and let go of the reader; harmless when called again.

        A reading that does not come back in time is left behind with its reader: the thread is a
        daemon, and a driver must not be closed while a call is inside it. Should the reading come
        back after all, the thread lets go of the reader.
        """
        if self._closed:
            return
        self._closed = True
        self._sampling.release()
        if self._thread.ident is not None:
            self._thread.join(self._stop_timeout_ns / 1e9)
        if self._thread.is_alive():
            self._left_behind = True
            waited_ns = time.monotonic_ns() - self._begun_ns
            self._failure = f"a reading did not come back within {waited_ns / 1e9:.1f} s"
        else:
            self._reader.close()

    def stop(self) -> SampleSeries | Unavailable:
        """End sampling; what was sampled, or why nothing was."""
        self.close()
        if not self._readings:
            return Unavailable(self._failure or "the window was shorter than one reading")
        # Not while sampling: checking the values of 8 GPUs costs as much as reading them.
        kept = [self._validation.clean(sample, self._reader.units) for sample in self._samples]
        series = self.header()
        missing = series.missing
        if self._failure:
            failure = valid_text(self._failure)
            missing = {**missing, "samples": f"none after reading {self._readings}: {failure}"}
        samples = tuple(sorted(kept, key=_time_of))
        return replace(series, samples=samples, missing=missing, cost=self._cost)

    def header(self) -> SampleSeries:
        """The series without its samples: all that is known of it so far."""
        reader = self._reader
        missing = {**self._validation.missing, **reader.missing}
        return SampleSeries(
            source=reader.source,
            period_ns=reader.period_ns,
            units=dict(reader.units),
            samples=(),
            missing={valid_text(part): valid_text(reason) for part, reason in missing.items()},
            devices=tuple(valid_device(each, at) for at, each in enumerate(reader.devices)),
        )

    def _run(self) -> None:
        """Sample on a fixed grid, so that a slow reading does not shift all later ones."""
        cpu_ns, started_ns = time.thread_time_ns(), time.monotonic_ns()
        due_ns = started_ns
        while self._reading():
            now_ns = time.monotonic_ns()
            spent_ns = time.thread_time_ns() - cpu_ns + self._reader.background_cpu_ns()
            self._cost = SamplerCost(self._readings, spent_ns, now_ns - started_ns)
            due_ns = max(due_ns + self._reader.period_ns, now_ns)
            if self._sampling.acquire(timeout=(due_ns - now_ns) / 1e9):
                break
        if self._left_behind:
            self._reader.close()
        else:
            self._collect(last=not self._failure)

    def _reading(self) -> bool:
        """Read once; whether there can be another."""
        self._begun_ns = time.monotonic_ns()
        before_ns = time.time_ns()
        try:
            fields = self._reader.read()
        except OSError as exc:
            self._failure = str(exc)
            return False
        except Exception as exc:  # what a driver's answer did to its reader costs this source only
            self._failure = f"{type(exc).__name__}: {exc}"
            return False
        after_ns = time.time_ns()
        self.read_max_ns = max(self.read_max_ns, after_ns - before_ns)
        self._readings += 1
        self._keep({"unix_ns": (before_ns + after_ns) // 2, **fields})
        return self._collect(last=False)

    def _collect(self, *, last: bool) -> bool:
        """Take what the reader has with a time of its own; whether it could be had."""
        try:
            samples = self._reader.timed(last=last)
        except Exception as exc:  # as above
            self._failure = f"{type(exc).__name__}: {exc}"
            return False
        for sample in samples:
            self._keep(sample)
        return True

    def _keep(self, sample: Sample) -> None:
        if self._sink is None:
            self._samples.append(sample)
        else:
            self._sink(self._validation.clean(sample, self._reader.units))


def _time_of(sample: Sample) -> int:
    when: int = sample["unix_ns"]
    return when
