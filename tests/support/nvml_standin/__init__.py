"""Builds the stand-in driver library; standin.h says how to script it."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

SOURCES = sorted(Path(__file__).parent.glob("*.c"))
LIBRARY = "libnvidia-ml.so.1"


def build_standin(folder: Path, *, without: tuple[str, ...] = ()) -> Path:
    """Compile it.

    Args:
        folder: Where the library goes, under the name that a driver's has.
        without: Functions that it does not export, as a driver from before them.

    Returns:
        The folder, for ``LD_LIBRARY_PATH``.
    """
    folder.mkdir(parents=True, exist_ok=True)
    hidden = folder / "exports.map"
    names = "".join(f" {name};" for name in without)
    hidden.write_text(f"{{ global: nvml*; local:{names} *; }};\n")
    subprocess.run(
        [
            *("cc", "-std=gnu11", "-O1", "-Wall", "-Wextra", "-Werror", "-fPIC", "-shared"),
            *(f"-Wl,-soname,{LIBRARY}", f"-Wl,--version-script={hidden}"),
            *map(str, SOURCES),
            *("-o", str(folder / LIBRARY), "-lm", "-lpthread"),
        ],
        check=True,
    )
    return folder


def standin_environment(folder: Path, script: str, log: Path | None = None) -> dict[str, str]:
    """The environment of a process that is to find the library and this script."""
    environment = {**os.environ, "LD_LIBRARY_PATH": str(folder), "NVML_STANDIN": script}
    environment.pop("NVML_STANDIN_SCRIPT", None)
    return environment if log is None else environment | {"NVML_STANDIN_LOG": str(log)}
