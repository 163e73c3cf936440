"""Writing a bundle, completely or not at all. Only its owner can read the files.

The parts stay in memory until ``finish``. The temporary file or folder is created at the start, so
that a target that cannot be written is found before a server is profiled.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Literal, TypeAlias

import msgspec

from diag.formats.bundle import layout
from diag.formats.bundle.manifest import Manifest, Part, encode_manifest
from diag.formats.bundle.target import FolderTarget, StreamTarget, ZipTarget
from diag.formats.text.samples import encode_samples

if TYPE_CHECKING:
    from types import TracebackType

    from diag.model.samples import SampleSeries

Target: TypeAlias = FolderTarget | ZipTarget | StreamTarget

_METRICS = {"before": layout.METRICS_BEFORE, "after": layout.METRICS_AFTER}
_SAMPLES = {
    "host": layout.HOST_SAMPLES,
    "gpu": layout.GPU_SAMPLES,
    "dcgm": layout.DCGM_SAMPLES,
    "probe": layout.PROBE_SAMPLES,
}


class BundleWriter:
    """Collects the parts of one bundle; ``finish`` writes them and renames the bundle.

    If the ``with`` block ends without ``finish``, nothing is left on disk.
    """

    def __init__(self, output: Path | IO[bytes], *, force: bool = False) -> None:
        """Prepare to write.

        Args:
            output: The bundle: a .zip by its suffix, else a folder; or a binary file object, which
                gets a .zip and is not closed.
            force: Replace an existing file, bundle or empty folder; never any other folder.
        """
        self._traces: dict[str, bytes] = {}
        self._parts: dict[str, bytes] = {}
        self._target = _target_of(output, force)

    @property
    def path(self) -> Path:
        """Where the bundle is written: a path, or the name of the file object."""
        return self._target.path

    @property
    def is_on_disk(self) -> bool:
        """Whether the bundle is written to a path, not to a file object."""
        return not isinstance(self._target, StreamTarget)

    def __enter__(self) -> BundleWriter:
        """Create the temporary file or folder.

        Raises:
            OutputError: The output exists already, or cannot be written.
        """
        self._target.open()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._target.discard()

    def add_trace(self, host: str, data: bytes) -> None:
        """Add one host's XSpace, byte for byte as the server returned it."""
        stem = layout.host_file_name(host)
        if stem in self._traces:
            raise ValueError(f"two traces of {stem}")
        self._traces[stem] = data

    def add_samples(self, series: SampleSeries) -> None:
        """Add the samples of the source that ``series.source`` names."""
        self._parts[_SAMPLES[series.source]] = encode_samples(series)

    def add_metrics(self, which: Literal["before", "after"], text: bytes) -> None:
        """Add the server's Prometheus text, byte for byte."""
        self._parts[_METRICS[which]] = text

    def add_server(self, info: dict[str, Any]) -> None:
        """Add ``diag/server.json``; ``diag.formats.bundle.server`` describes its keys."""
        self._parts[layout.SERVER] = msgspec.json.format(msgspec.json.encode(info)) + b"\n"

    def add_stacks(self, document: bytes) -> None:
        """Add ``diag/stacks.json``; ``diag.formats.bundle.stacks`` describes and checks it."""
        self._parts[layout.STACKS] = document

    def finish(self, manifest: Manifest) -> Path:
        """Write all parts, then rename the bundle.

        Args:
            manifest: ``created`` names the run; ``parts`` are filled in here.

        Returns:
            The bundle's path.

        Raises:
            OutputError: The disk is full, or the output can no longer be written.
        """
        run = layout.run_name(manifest.created)
        traces = {layout.trace_name(run, stem): data for stem, data in self._traces.items()}
        parts = traces | self._parts
        listed = {
            name: Part(sha256=hashlib.sha256(data).hexdigest(), size_bytes=len(data))
            for name, data in sorted(parts.items())
        }
        manifest = msgspec.structs.replace(manifest, parts=listed)
        whole = {layout.MANIFEST: encode_manifest(manifest)} | parts
        return self._target.commit(whole, manifest.created)


def _target_of(output: Path | IO[bytes], force: bool) -> Target:
    if not isinstance(output, Path):
        return StreamTarget(output)
    is_zip = output.suffix.lower() == ".zip"
    return ZipTarget(output, force) if is_zip else FolderTarget(output, force)
