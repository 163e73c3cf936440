"""The text of ``diag --version``."""

from __future__ import annotations

import importlib.metadata
import platform

import diag

LIBRARIES = ("numpy", "grpcio", "protobuf", "msgspec", "tensorflow", "tensorboard-plugin-profile")


def library_versions() -> dict[str, str]:
    """Installed version by distribution name; "not installed" for a missing one.

    Reads package metadata only and imports no library.
    """
    return {name: _version(name) for name in LIBRARIES}


def _version(name: str) -> str:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return "not installed"


def version_text() -> str:
    """The version of diag, then one line per library."""
    lines = [f"diag {diag.__version__}", f"  python {platform.python_version()}"]
    lines += [f"  {name} {version}" for name, version in library_versions().items()]
    return "\n".join(lines)
