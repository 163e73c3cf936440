"""From a bare trace to a Capture, and the caveats that a trace itself contains."""

from __future__ import annotations

from typing import TYPE_CHECKING

from diag.errors import SourceNotFoundError, XSpaceDecodeError
from diag.formats.trace.recorded_window import recorded_level, recorded_window, unknown_end_ns
from diag.formats.trace.xspace import decode_space
from diag.model.availability import Unavailable
from diag.model.capture import Capture
from diag.model.caveat import Caveat, Limit

if TYPE_CHECKING:
    from collections.abc import Sequence

    from diag.model.events import Space

WHAT_TO_NAME = "a bundle, a .xplane.pb file, or a TensorBoard run folder or log directory"

_BARE = Unavailable("only the trace was given, not a bundle")
_MESSAGE_MAX_CHARS = 300
BARE_CAVEAT = Caveat("bare-trace", (Limit.SAMPLES, Limit.METRICS), (), "capture-bundle")


def decode_named(data: bytes, where: str) -> Space:
    """Decode an XSpace; error messages name the file.

    Raises:
        XSpaceDecodeError: The bytes are truncated, corrupt or not an XSpace.
        SourceNotFoundError: There is no plane in it.
    """
    try:
        space = decode_space(data)
    except XSpaceDecodeError as exc:
        raise XSpaceDecodeError(f"{where}: {exc.message}", cause=exc.cause, hint=exc.hint) from exc
    if not space.planes:
        raise SourceNotFoundError(
            f"{where}: no plane in it, so it is empty or not an XSpace",
            hint=f"name {WHAT_TO_NAME}",
        )
    return space


def capture_from_trace(name: str, data: bytes, where: str) -> Capture:
    """A Capture with the trace; all other parts are Unavailable.

    Args:
        name: Name of the capture.
        data: A serialized XSpace.
        where: Path or URL of the file, for messages.

    Raises:
        XSpaceDecodeError: The bytes are truncated, corrupt or not an XSpace.
        SourceNotFoundError: There is no plane in it.
    """
    space = decode_named(data, where)
    return Capture(
        name=name,
        origin_unix_ns=space.origin_unix_ns,
        window=recorded_window(space),
        tracer_level=recorded_level(space),
        planes=space.planes,
        host_samples=_BARE,
        gpu_samples=_BARE,
        dcgm_samples=_BARE,
        probe_samples=_BARE,
        stacks=_BARE,
        metrics=_BARE,
        server=_BARE,
        batching_parameters=_BARE,
        clocks=(),
        manifest=_BARE,
        trace_errors=space.errors,
        trace_warnings=space.warnings,
        caveats=(BARE_CAVEAT, *trace_caveats(space)),
    )


def trace_caveats(space: Space, planned_duration_ms: int | None = None) -> tuple[Caveat, ...]:
    """Caveats from the errors and warnings of the server's tracers, and from an unknown end.

    A warning about dropped events reads "Detected GPU events dropped on <host>: …"
    (xla/backends/profiler/gpu/cupti_collector.cc); a tracer that could not start, such as CUPTI
    without permission, leaves a text in ``XSpace.errors``.
    """
    dropped = [text for text in space.warnings if "dropped" in text.lower()]
    others = [text for text in space.warnings if text not in dropped]
    found: tuple[tuple[str, tuple[Limit, ...], Sequence[str], str], ...] = (
        ("dropped-events", (Limit.DEVICES, Limit.IDLE), dropped, "capture-shorter"),
        ("tracer-errors", (Limit.DEVICES,), space.errors, ""),
        ("tracer-warnings", (), others, ""),
    )
    reported = (
        Caveat(code, limits, (("messages", tuple(map(_shortened, texts))),), remedy)
        for code, limits, texts, remedy in found
        if texts
    )
    return (*reported, *_about_the_end(unknown_end_ns(space, planned_duration_ms)))


def _about_the_end(after_ns: int) -> tuple[Caveat, ...]:
    if not after_ns:
        return ()
    return (Caveat("window-end-unknown", (Limit.IDLE,), (("after_last_event_ns", after_ns),)),)


def _shortened(text: str) -> str:
    words = " ".join(text.split())
    return words if len(words) <= _MESSAGE_MAX_CHARS else words[:_MESSAGE_MAX_CHARS] + "…"
