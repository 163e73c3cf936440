"""SampleBuffer: the newest samples that a client has not taken yet, and how many it missed."""

from __future__ import annotations

import threading
from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from diag.capture.samplers.sampler import Sample


class SampleBuffer:
    """Holds a bounded number of samples; filled by the sampler's thread, emptied by another.

    Attributes:
        dropped: Samples given up so far, oldest first, because nobody took them in time.
        taken: Samples taken so far.
    """

    def __init__(self, samples_max: int) -> None:
        self._samples: deque[Sample] = deque(maxlen=samples_max)
        self._lock = threading.Lock()
        self.dropped = 0
        self.taken = 0

    def put(self, sample: Sample) -> None:
        """Add one; the oldest gives way if there is no room."""
        with self._lock:
            self.dropped += len(self._samples) == self._samples.maxlen
            self._samples.append(sample)

    def take(self) -> list[Sample]:
        """All there are, in order; they are gone from here."""
        with self._lock:
            samples = list(self._samples)
            self._samples.clear()
            self.taken += len(samples)
        return samples

    def drop(self, samples: int) -> None:
        """Count samples that were taken and could not be sent after all."""
        with self._lock:
            self.dropped += samples
            self.taken -= samples
