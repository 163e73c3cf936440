"""Addresses that lead to a time in a trace viewer."""

from __future__ import annotations

from urllib.parse import quote, urlencode

PROFILE = "/data/plugin/profile"
PERFETTO = "https://ui.perfetto.dev"
# Of a span on each side, so that what surrounds it is seen.
MARGIN_RATIO = 0.5
MARGIN_MIN_NS = 1_000


def trace_viewer_path(run: str, host: str, start_ns: int, end_ns: int, root: str = "") -> str:
    """The page of the profile plugin's trace viewer, below TensorBoard's address.

    The page takes its first view from ``view_start`` and ``view_end``, in ms since the trace began
    (xprof 2.24.2, static/trace_viewer_index.js); the plugin's own tab passes neither on.

    Args:
        run: As the profile plugin names it.
        host: As the profile plugin names it.
        start_ns: Begin of what is to be seen.
        end_ns: Half-open.
        root: TensorBoard's ``--path_prefix``.
    """
    margin_ns = max(MARGIN_MIN_NS, int((end_ns - start_ns) * MARGIN_RATIO))
    first_ns, last_ns = max(0, start_ns - margin_ns), end_ns + margin_ns
    data = urlencode({"run": run, "tag": "trace_viewer@", "host": host})
    page = {
        "is_streaming": "true",
        "is_oss": "true",
        "view_start": f"{first_ns / 1e6:.6f}",
        "view_end": f"{last_ns / 1e6:.6f}",
        "trace_data_url": f"{root}{PROFILE}/data?{data}",
    }
    return f"{root}{PROFILE}/trace_viewer_index.html?{urlencode(page, quote_via=quote)}"


def perfetto_address(start_ns: int, end_ns: int) -> str:
    """The address of Perfetto that selects a slice in the next file that is opened there.

    Times are those of the file, in ns (google/perfetto, plugin dev.perfetto.DeeplinkQuerystring).

    Args:
        start_ns: Begin of the slice.
        end_ns: Its end.
    """
    slice_ = {"ts": start_ns, "dur": end_ns - start_ns}
    # A view that reaches beyond the file would be ignored.
    view = {"visStart": start_ns, "visEnd": end_ns}
    return f"{PERFETTO}/#!/?{urlencode(slice_ | view)}"
