"""What a machine must have before a recording is worth starting."""

from __future__ import annotations

import importlib
import importlib.util
import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tests.gpu.scenarios import Platform

# Module: distribution. diag's own, then those of the server.
MODULES = {
    "numpy": "numpy",
    "click": "click",
    "google.protobuf": "protobuf",
    "grpc": "grpcio",
    "msgspec": "msgspec",
    "prometheus_client": "prometheus-client",
    "psutil": "psutil",
    "pynvml": "nvidia-ml-py",
    "rich": "rich",
    "jax": "jax",
    "jaxlib": "jaxlib",
    "PIL": "pillow",
}
DECODER = "diag.formats.trace._xspace"
# Importing these runs what diag checks of its dependencies' versions.
DIAG = ("diag.cli.commands", "diag.formats.wire.profiler_pb2", "diag.capture.session")
_JAX_TIMEOUT_S = 120
_DEVICE_PROGRAM = "import jax; d = jax.devices()[0]; print(d.platform, d.device_kind, sep='\\n')"


def missing(platform: Platform, modules: Iterable[str] = tuple(MODULES)) -> list[str]:
    """What is not there, one sentence each with what to do; empty if a recording can start."""
    lacking = [name for name in modules if not _is_there(name)]
    found = [
        f"Python module {name} is missing: install {MODULES.get(name, name)}" for name in lacking
    ]
    if lacking:
        return found  # the decoder and JAX's devices cannot be judged without them
    found += _decoder() or _diag()
    found += _device(platform)
    if platform == "gpu" and shutil.which("nvidia-smi") is None and not _has_nvml():
        found.append("NVML is missing: utilization cannot be sampled; install NVIDIA's driver")
    return found


def _is_there(module: str) -> bool:
    try:
        return importlib.util.find_spec(module) is not None
    except ModuleNotFoundError:  # of the package around it
        return False


def _decoder() -> list[str]:
    """Whether diag's compiled decoder can be imported, and if not, what it takes to build it."""
    try:
        importlib.import_module(DECODER)
    except ImportError as error:
        needs = [] if _is_there("Cython") else ["install Cython"]
        compiler = os.environ.get("CC") or (sysconfig.get_config_var("CC") or "cc").split()[0]
        if shutil.which(compiler) is None:
            needs.append(f"install a C compiler ({compiler} was not found)")
        if not (Path(sysconfig.get_paths()["include"]) / "Python.h").exists():
            needs.append("install Python's C headers")
        steps = ", ".join([*needs, f"run {sys.executable} setup.py build_ext --inplace"])
        return [f"diag's compiled decoder cannot be imported ({error}): {steps}"]
    return []


def _diag() -> list[str]:
    try:
        for module in DIAG:
            importlib.import_module(module)
    except Exception as error:  # protobuf raises kinds of its own
        return [f"diag cannot run here: {type(error).__name__}: {error}"]
    return []


def _device(platform: Platform) -> list[str]:
    """Whether JAX computes on what is asked for; in a process of its own, which frees it again."""
    environment = {**os.environ, "XLA_PYTHON_CLIENT_PREALLOCATE": "false"}
    environment["JAX_PLATFORMS"] = "cuda" if platform == "gpu" else "cpu"
    try:
        done = subprocess.run(
            [sys.executable, "-c", _DEVICE_PROGRAM],
            capture_output=True,
            text=True,
            timeout=_JAX_TIMEOUT_S,
            check=False,
            env=environment,
        )
    except subprocess.TimeoutExpired:
        return [f"JAX did not name its devices within {_JAX_TIMEOUT_S} s"]
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        return [f"JAX finds no {platform.upper()}: {last}"]
    return []


def _has_nvml() -> bool:
    import pynvml

    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError:
        return False
    pynvml.nvmlShutdown()
    return True


def choose_platform() -> Platform:
    """``gpu`` where JAX sees one, else ``cpu``."""
    return "cpu" if _device("gpu") else "gpu"
