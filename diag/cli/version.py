"""The text of ``diag --version``."""

from __future__ import annotations

import importlib.metadata
import platform

import diag

LIBRARIES = ("numpy", "grpcio", "protobuf", "msgspec", "tensorflow", "tensorboard-plugin-profile")


def library_versions() -> dict[str, str]:
    """Installed version by distribution name, "not installed" where it is absent.

    Reads package metadata only; nothing is imported.
    """
    return {name: _version(name) for name in LIBRARIES}


def _version(name: str) -> str:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return "not installed"


def version_text() -> str:
    """``diag`` and its version first, then one line a library."""
    lines = [f"diag {diag.__version__}", f"  python {platform.python_version()}"]
    lines += [f"  {name} {version}" for name, version in library_versions().items()]
    return "\n".join(lines)
