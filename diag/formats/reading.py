"""What to do with a bundle or a trace once it is found: decode it, or copy it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, TypeVar

if TYPE_CHECKING:
    from diag.formats.bundle.reader import Bundle

Result_co = TypeVar("Result_co", covariant=True)


class Reading(Protocol[Result_co]):
    """Makes a result of what a source holds; one of the two is called, once."""

    def from_bundle(self, bundle: Bundle, name: str, where: str) -> Result_co:
        """Of a bundle.

        Args:
            bundle: Opened; it can be read until this returns.
            name: Of the capture.
            where: Path or URL, for messages.
        """

    def from_trace(self, name: str, data: bytes, where: str) -> Result_co:
        """Of a bare trace, a serialized XSpace; arguments as above."""
