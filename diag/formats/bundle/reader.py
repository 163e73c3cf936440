"""Reading a bundle: its manifest, and its parts with their sizes and checksums verified."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from diag.errors import BundleCorruptError
from diag.formats.bundle.layout import MANIFEST, is_safe_name, part_limit_bytes
from diag.formats.bundle.manifest import Manifest, decode_manifest
from diag.formats.limits import MANIFEST_MAX_BYTES

if TYPE_CHECKING:
    from diag.formats.bundle.tree import Tree

_HINT = "the bundle was changed or damaged after it was written; copy or capture it again"


class Bundle:
    """A bundle's manifest and the parts it lists. Other files are ignored.

    Attributes:
        manifest: Decoded and checked.
    """

    def __init__(self, tree: Tree, prefix: str = "") -> None:
        """Read the manifest.

        Args:
            tree: The files.
            prefix: Folder of the bundle in the tree, "" or ending in "/".

        Raises:
            BundleCorruptError: The manifest is not valid.
            BundleVersionError: A newer diag wrote it.
        """
        self._tree = tree
        self._prefix = prefix
        self.manifest: Manifest = decode_manifest(
            tree.read(prefix + MANIFEST, MANIFEST_MAX_BYTES), tree.label
        )
        present = set(tree.names())
        for name in self.manifest.parts:
            if not is_safe_name(name) or name == MANIFEST:
                raise self._broken(f"{name!r} is not a valid name of a part")
            if prefix + name not in present:
                raise self._broken(f"{name} is listed but missing")

    def _broken(self, what: str) -> BundleCorruptError:
        return BundleCorruptError(f"{self._tree.label}: {what}", hint=_HINT)

    def part_names(self) -> tuple[str, ...]:
        """Names of the listed parts, sorted."""
        return tuple(sorted(self.manifest.parts))

    def read(self, name: str) -> bytes:
        """The bytes of a listed part, verified.

        Raises:
            BundleCorruptError: Its size or checksum is not what the manifest says.
            InputError: The part cannot be read or is too large.
        """
        expected = self.manifest.parts[name]
        data = self._tree.read(self._prefix + name, part_limit_bytes(name))
        if len(data) != expected.size_bytes:
            raise self._broken(f"{name} has {len(data):,} bytes, not {expected.size_bytes:,}")
        if hashlib.sha256(data).hexdigest() != expected.sha256:
            raise self._broken(f"{name} does not match its checksum")
        return data
