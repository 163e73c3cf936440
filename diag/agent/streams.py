"""SourceStream: samples one source for one client and encodes the samples as replies."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from diag.agent.sample_buffer import SampleBuffer
from diag.capture.samplers.sampler import Sampler
from diag.formats.text.samples import encode_samples
from diag.formats.wire.agent_pb2 import SampleReply
from diag.model.availability import Unavailable

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from diag.capture.samplers.reader import Reader, Sample
    from diag.model.samples import SampleSeries


class SourceStream:
    """Samples one reader; the number of buffered samples and the size of replies are bounded."""

    def __init__(self, reader: Reader, samples_max: int, message_max_bytes: int) -> None:
        """Prepare to sample.

        Args:
            reader: What to read; closed at the end.
            samples_max: Largest number of buffered samples.
            message_max_bytes: Largest size of the samples in one reply.
        """
        self.source = reader.source
        self._reader = reader
        self._message_max_bytes = message_max_bytes
        self.buffer = SampleBuffer(samples_max)
        self._sampler = Sampler(reader, sink=self.buffer.put)

    def start(self) -> SampleReply:
        """Start sampling and return a first reply, with the header and without samples."""
        first = self._reply(encode_samples(self._sampler.header()))
        self._sampler.start()
        return first

    def replies(self) -> Iterator[SampleReply]:
        """Replies with the samples since the last call; none if there are no samples."""
        samples = self.buffer.take()
        if samples:
            yield from self._encoded(self._sampler.header(), samples)

    def end(self, ended: str) -> Iterator[SampleReply]:
        """Stop sampling; replies with the remaining samples, and a last reply.

        Args:
            ended: Why the agent ended the stream; "" if the client did.
        """
        series = self._sampler.stop()
        yield from self.replies()
        if isinstance(series, Unavailable):
            yield SampleReply(source=self._reader.source, unavailable=series.reason, ended=ended)
            return
        last = self._reply(encode_samples(series))
        last.ended = ended
        yield last

    def close(self) -> None:
        """Stop sampling without a reply; no effect when called again."""
        self._sampler.close()

    def _encoded(self, series: SampleSeries, samples: Sequence[Sample]) -> Iterator[SampleReply]:
        try:
            lines = encode_samples(replace(series, samples=tuple(samples)))
        except ValueError:  # validation missed an invalid value: only its sample is dropped
            lines = b""
        if lines and len(lines) <= self._message_max_bytes:
            yield self._reply(lines)
        elif len(samples) > 1:
            half = len(samples) // 2
            yield from self._encoded(series, samples[:half])
            yield from self._encoded(series, samples[half:])
        else:
            self.buffer.drop(1)

    def _reply(self, lines: bytes) -> SampleReply:
        return SampleReply(
            source=self._reader.source,
            lines=lines,
            dropped=self.buffer.dropped,
            read_max_ns=self._sampler.read_max_ns,
        )
