"""encode_timeline(): an analysis as the file of a trace viewer."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from diag.analysis.result import Analysis
from diag.errors import UsageError
from diag.tracks.build import make_tracks
from diag.tracks.names import TIMELINE_FORMATS


@dataclass(frozen=True, slots=True, eq=False)
class EncodedTimeline:
    """A file to write.

    Attributes:
        chunks: Its content, made while it is iterated; once only.
        left_out: What is not in it, one sentence each.
    """

    chunks: Iterator[bytes]
    left_out: tuple[str, ...]


def encode_timeline(analysis: Analysis, format_: str = "perfetto") -> EncodedTimeline:
    """Requests, batches, idle time, counters and the trace's own events as one timeline.

    Args:
        analysis: What ``analyze`` returned.
        format_: One of ``TIMELINE_FORMATS``: ``perfetto`` for ui.perfetto.dev and
            trace_processor, ``chrome`` for trace-event JSON.

    Raises:
        UsageError: There is no such format.
    """
    if format_ not in TIMELINE_FORMATS:
        raise UsageError(
            f"no timeline format {format_!r}", hint=f"the formats: {', '.join(TIMELINE_FORMATS)}"
        )
    tracks = make_tracks(analysis)
    if format_ == "chrome":
        from diag.formats.tracks.chrome import encode_chrome, left_out, shortest_kept_ns

        least_ns = shortest_kept_ns(tracks)
        missing = filter(None, (left_out(tracks, least_ns),))
        return EncodedTimeline(encode_chrome(tracks, least_ns), (*tracks.left_out, *missing))
    from diag.formats.tracks.perfetto import encode_perfetto

    return EncodedTimeline(encode_perfetto(tracks), tracks.left_out)
