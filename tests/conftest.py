"""What every test gets: the samples, UTC, and no network but the loopback."""

from __future__ import annotations

import ipaddress
import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import settings

from tests.support.nvml_standin import build_standin

if TYPE_CHECKING:
    from collections.abc import Callable

SAMPLE_TRACES = Path(__file__).parent.parent / "sample_traces"

os.environ["TZ"] = "UTC"
time.tzset()
# Two shared cores make single examples slow at random; a slow one is no failure.
settings.register_profile("diag", deadline=None)
settings.load_profile("diag")


def sample_path(name: str) -> Path:
    """A sample's folder, e.g. ``sample_path("padding")``; a missing one fails the test."""
    path = SAMPLE_TRACES / name
    if not path.exists():
        pytest.fail(f"sample_traces/{name} is missing")
    return path


@pytest.fixture(name="sample", scope="session")
def _sample() -> Callable[[str], Path]:
    return sample_path


@pytest.fixture(name="nvml_library", scope="session")
def _nvml_library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a driver library that answers from a script, for LD_LIBRARY_PATH."""
    return build_standin(tmp_path_factory.mktemp("nvml"))


class NetworkAccessError(BaseException):
    """A test tried to leave this machine; not an Exception, so that no handler swallows it."""


def _is_local(address: Any) -> bool:
    if not isinstance(address, tuple):
        return True  # a UNIX socket
    if address[0] in {"localhost", ""}:
        return True
    try:
        ip = ipaddress.ip_address(str(address[0]).split("%", 1)[0])
    except ValueError:
        return False
    return ip.is_loopback or ip.is_unspecified


def _refuse_network(event: str, arguments: tuple[Any, ...]) -> None:
    if event in {"socket.connect", "socket.sendto"} and not _is_local(arguments[1]):
        raise NetworkAccessError(f"a test tried to reach {arguments[1]}")


sys.addaudithook(_refuse_network)
