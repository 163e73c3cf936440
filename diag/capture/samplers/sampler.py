"""Sampler: a thread that reads a source periodically during the recording."""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from typing import TYPE_CHECKING

from diag.capture.samplers.sample_validation import SampleValidation, valid_device, valid_text
from diag.model.availability import Unavailable
from diag.model.samples import SamplerCost, SampleSeries

if TYPE_CHECKING:
    from collections.abc import Callable

    from diag.capture.samplers.reader import Reader, Sample

# A reading takes some milliseconds. A driver that has not answered by then may never answer (a GPU
# that fell off the bus can block a call forever), and the capture continues without it.
STOP_TIMEOUT_NS = 2_000_000_000


class Sampler:
    """Reads one Reader from ``start`` to ``stop`` on a thread of its own.

    Attributes:
        read_max_ns: Duration of the longest reading in ns. A sample is stamped with the middle of
            its reading, so its time is exact to half of this.
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
            sink: Called with every sample on the sampler's thread; None keeps them for ``stop``.
            stop_timeout_ns: Longest time to wait at the end for a reading that hangs.
        """
        self._reader = reader
        self._samples: list[Sample] = []
        self._sink = sink
        self._validation = SampleValidation(of_devices=bool(reader.devices))
        self._stop_timeout_ns = stop_timeout_ns
        # Held until the end. A lock instead of an Event: waking up from an Event took 60 to 150 µs
        # of CPU time with cold caches, from a lock 50 µs; both are a large part of a reading.
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
        """Start sampling."""
        self._thread.start()

    def close(self) -> None:
        """Stop sampling and close the reader; no effect when called again.

        If a reading hangs, its daemon thread and its reader are abandoned, because a driver must
        not be closed during a call. If the reading returns later, the thread closes the reader.
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
            self._failure = f"a reading did not return within {waited_ns / 1e9:.1f} s"
        else:
            self._reader.close()

    def stop(self) -> SampleSeries | Unavailable:
        """Stop sampling and return the samples, in order of time, or why there are none."""
        self.close()
        if not self._readings:
            return Unavailable(self._failure or "the recording was shorter than one reading")
        # After sampling, because checking the values of 8 GPUs costs as much as reading them.
        kept = [self._validation.validate(sample, self._reader.units) for sample in self._samples]
        series = self.header()
        missing = series.missing
        if self._failure:
            failure = valid_text(self._failure)
            missing = {**missing, "samples": f"none after reading {self._readings}: {failure}"}
        samples = tuple(sorted(kept, key=_time_of))
        return replace(series, samples=samples, missing=missing, cost=self._cost)

    def header(self) -> SampleSeries:
        """The series as known so far, without its samples."""
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
        """Read at fixed times, so that a slow reading does not delay all later ones."""
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
        """Read once and return whether the reader can be read again."""
        self._begun_ns = time.monotonic_ns()
        before_ns = time.time_ns()
        try:
            fields = self._reader.read()
        except OSError as exc:
            self._failure = str(exc)
            return False
        except Exception as exc:  # an unexpected answer of a driver must not stop the capture
            self._failure = f"{type(exc).__name__}: {exc}"
            return False
        after_ns = time.time_ns()
        self.read_max_ns = max(self.read_max_ns, after_ns - before_ns)
        self._readings += 1
        self._keep({"unix_ns": (before_ns + after_ns) // 2, **fields})
        return self._collect(last=False)

    def _collect(self, *, last: bool) -> bool:
        """Take the reader's own timed samples and return whether that succeeded."""
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
            self._sink(self._validation.validate(sample, self._reader.units))


def _time_of(sample: Sample) -> int:
    when: int = sample["unix_ns"]
    return when
