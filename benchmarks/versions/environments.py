"""A virtual environment for each release."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.versions.releases import Release


def find_python(version: str, folders: Sequence[Path]) -> Path:
    """The interpreter of a version such as ``3.8``.

    Args:
        version: Major and minor version.
        folders: Searched first, each of the form ``FOLDER/3.8.18/bin/python`` as pyenv lays them
            out; then PATH.

    Raises:
        FileNotFoundError: There is none.
    """
    for folder in folders:
        found = sorted(folder.glob(f"{version}.*/bin/python"))
        if found:
            return found[-1]
    on_path = shutil.which(f"python{version}")
    if on_path is None:
        raise FileNotFoundError(f"no Python {version}: install it, or name its folder by --pythons")
    return Path(on_path)


def make_environment(release: Release, place: Path, folders: Sequence[Path]) -> Path:
    """Install the release into a new environment; returns its interpreter."""
    interpreter = place / "bin" / "python"
    subprocess.run(
        [find_python(release.python, folders), "-m", "venv", "--clear", place], check=True
    )
    install = [interpreter, "-m", "pip", "install", "-q", "--disable-pip-version-check"]
    subprocess.run([*install, "--no-compile", *release.requirements], check=True)
    return interpreter
