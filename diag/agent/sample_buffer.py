"""SampleBuffer: a bounded buffer of samples for one client, which drops the oldest samples."""

from __future__ import annotations

import threading
from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from diag.capture.samplers.reader import Sample


class SampleBuffer:
    """Holds a bounded number of samples; the sampler's thread adds, another thread takes.

    Attributes:
        dropped: Number of samples dropped so far because the buffer was full.
        taken: Number of samples taken so far.
    """

    def __init__(self, samples_max: int) -> None:
        self._samples: deque[Sample] = deque(maxlen=samples_max)
        self._lock = threading.Lock()
        self.dropped = 0
        self.taken = 0

    def put(self, sample: Sample) -> None:
        """Add a sample; drops the oldest one if the buffer is full."""
        with self._lock:
            self.dropped += len(self._samples) == self._samples.maxlen
            self._samples.append(sample)

    def take(self) -> list[Sample]:
        """Remove and return all samples, oldest first."""
        with self._lock:
            samples = list(self._samples)
            self._samples.clear()
            self.taken += len(samples)
        return samples

    def drop(self, samples: int) -> None:
        """Count samples as dropped that were taken but could not be sent."""
        with self._lock:
            self.dropped += samples
            self.taken -= samples
