"""The one door for everything that can be analysed: a path becomes a Capture.

Taken: a bundle (folder or .zip), a bare ``*.xplane.pb`` of any name, a TensorBoard run folder, a
log directory (a folder of bundles is one). What a source lacks is Unavailable with its reason, and
a caveat where it limits what the numbers mean.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from diag.errors import InputError, SourceNotFoundError
from diag.formats.bundle.archive import ZipTree
from diag.formats.bundle.contents import capture_from_bundle
from diag.formats.bundle.layout import MANIFEST, TRACE_SUFFIX
from diag.formats.bundle.locate import bundle_prefix, find_trace
from diag.formats.bundle.reader import Bundle
from diag.formats.bundle.tree import FolderTree, Tree
from diag.formats.limits import TRACE_MAX_BYTES
from diag.formats.regular_file import open_regular, read_regular
from diag.formats.text.batching_parameters import load_batching_parameters
from diag.formats.trace.capture import capture_from_trace

if TYPE_CHECKING:
    from diag.formats.text.batching_parameters import ParametersSource
    from diag.model.capture import Capture

_ZIP_MAGIC = b"PK"
_KNOWN_OTHERS = {
    b"\x1f\x8b": ("compressed with gzip", "unpack it with gunzip first"),
    b"{": ("JSON", "name the .xplane.pb file it was made from"),
}


def open_bundle(
    path: Path | str, *, batching_parameters: ParametersSource | None = None
) -> Capture:
    """Read and decode a bundle or a bare trace.

    Args:
        path: Bundle folder or .zip, bare XSpace, TensorBoard run folder or log directory.
        batching_parameters: The server's batching_parameters_file: its path, its text, or its
            content. It replaces what the bundle recorded.

    Returns:
        The capture; of several runs the newest, with a caveat ``other-runs``.

    Raises:
        SourceNotFoundError: Nothing there, or nothing to analyse in it.
        BundleCorruptError: Manifest, checksum, archive or a part's content does not hold.
        BundleVersionError: A newer diag wrote the bundle.
        XSpaceDecodeError: The trace cannot be decoded.
        BatchingParametersError: ``batching_parameters`` are not valid.
        InputError: No regular file, too large, several hosts' traces in one run.
    """
    given = None if batching_parameters is None else load_batching_parameters(batching_parameters)
    capture = _open_path(Path(path))
    return capture if given is None else capture.with_batching_parameters(given)


def _open_path(path: Path) -> Capture:
    if path.is_dir():
        return _capture_from_tree(FolderTree(path))
    with open_regular(path) as file:
        head = file.read(2)
    if head == _ZIP_MAGIC or path.suffix.lower() == ".zip":
        tree = ZipTree(path)
        try:
            return _capture_from_tree(tree)
        finally:
            tree.close()
    _refuse_unlike_trace(path, head)
    data = read_regular(path, TRACE_MAX_BYTES)
    return capture_from_trace(path.name.removesuffix(TRACE_SUFFIX), data, str(path))


def _capture_from_tree(tree: Tree) -> Capture:
    if MANIFEST in tree.names():
        return capture_from_bundle(Bundle(tree), tree.path)
    trace, caveats = find_trace(tree)
    prefix = bundle_prefix(tree, trace)
    if prefix is not None:
        capture = capture_from_bundle(Bundle(tree, prefix), tree.path / prefix)
    else:
        data = tree.read(trace, TRACE_MAX_BYTES)
        capture = capture_from_trace(_run_label(tree, trace), data, f"{tree.path}/{trace}")
    return replace(capture, caveats=(*caveats, *capture.caveats))


def _run_label(tree: Tree, name: str) -> str:
    """The run's folder name; the tree's own when the trace lies at its top."""
    return (tree.path.resolve() / name).parent.name


def _refuse_unlike_trace(path: Path, head: bytes) -> None:
    if not head:
        raise SourceNotFoundError(f"{path}: an empty file", hint="capture again, or copy it again")
    for magic, (what, hint) in _KNOWN_OTHERS.items():
        if head.startswith(magic):
            raise InputError(f"{path}: {what}, not an XSpace", hint=hint)
