"""Names of the parts of a bundle, and the rules that a name must follow.

The trace is at ``plugins/profile/<run>/<host>.xplane.pb``, where TensorBoard's profile plugin
(tensorboard-plugin-profile 2.24) looks for it in a log directory.
"""

from __future__ import annotations

import re
from datetime import datetime, timezone
from pathlib import PurePosixPath

from diag.formats.limits import (
    MANIFEST_MAX_BYTES,
    PART_MAX_BYTES,
    STACKS_MAX_BYTES,
    TRACE_MAX_BYTES,
)

MANIFEST = "diag/manifest.json"
GPU_SAMPLES = "diag/gpu.jsonl"
DCGM_SAMPLES = "diag/dcgm.jsonl"
PROBE_SAMPLES = "diag/probe.jsonl"
HOST_SAMPLES = "diag/host.jsonl"
METRICS_BEFORE = "diag/metrics-before.prom"
METRICS_AFTER = "diag/metrics-after.prom"
SERVER = "diag/server.json"
STACKS = "diag/stacks.json"
TRACE_FOLDER = "plugins/profile"
TRACE_SUFFIX = ".xplane.pb"
UNFINISHED_SUFFIX = ".partial"

_TIMESTAMPED = re.compile(r"\d{4}(_\d\d){5}")
_UNSAFE = re.compile(r"[^A-Za-z0-9._-]")
_HOST_MAX_LENGTH = 100


def run_name(created: datetime) -> str:
    """Folder name of a run: its UTC time to the second, in the profile plugin's form."""
    return created.astimezone(timezone.utc).strftime("%Y_%m_%d_%H_%M_%S")


def is_timestamped(run: str) -> bool:
    """Whether a run is named by its time, so that names sort by time."""
    return _TIMESTAMPED.fullmatch(run) is not None


def host_file_name(host: str) -> str:
    """A file name stem for a host: ``10.0.0.7:8500`` becomes ``10.0.0.7_8500``.

    TensorFlow's own profiler replaces ":" in the same way. Characters that could lead out of the
    folder, hide the file or have a meaning in a shell are replaced. An empty name becomes
    ``server``.
    """
    return _UNSAFE.sub("_", host).lstrip(".-")[:_HOST_MAX_LENGTH] or "server"


def trace_name(run: str, host: str) -> str:
    """The part name of a host's trace."""
    return f"{TRACE_FOLDER}/{run}/{host_file_name(host)}{TRACE_SUFFIX}"


def is_trace(name: str) -> bool:
    """Whether a part name is a trace where TensorBoard looks for one."""
    path = PurePosixPath(name)
    return (
        path.name.endswith(TRACE_SUFFIX)
        and len(path.parts) >= 4
        and path.parts[-4:-2] == ("plugins", "profile")
    )


def is_safe_name(name: str) -> bool:
    """Whether a part name is relative, normalized, printable and stays within its root."""
    parts = name.split("/")
    return (
        name.isprintable()
        and "\\" not in name
        and ":" not in parts[0]
        and len(name) <= 1024
        and all(part not in ("", ".", "..") for part in parts)
    )


def part_limit_bytes(name: str) -> int:
    """Largest size of a part that is read, in bytes."""
    if name.endswith(TRACE_SUFFIX):
        return TRACE_MAX_BYTES
    return {MANIFEST: MANIFEST_MAX_BYTES, STACKS: STACKS_MAX_BYTES}.get(name, PART_MAX_BYTES)
