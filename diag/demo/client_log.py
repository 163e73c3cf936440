"""The calls of the load generator as a log of clients, for ``diag analyze --client-log``."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING

import grpc

from diag.errors import OutputError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from diag.demo.load import ClientCall

FILE_NAME = "calls.csv"
_NAMES = {code.value[0]: code.name for code in grpc.StatusCode}


def write_client_log(folder: Path, calls: Iterable[ClientCall]) -> Path:
    """Write ``calls.csv``: begin and end of each call in ns since the Unix epoch, and its status.

    Raises:
        OutputError: The file cannot be written.
    """
    path = folder / FILE_NAME
    try:
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(("start", "end", "status", "model"))
            writer.writerows(
                (call.sent_unix_ns, call.done_unix_ns, _NAMES[call.status_code], call.model)
                for call in calls
            )
    except OSError as error:
        raise OutputError(f"could not write {path}", cause=error.strerror or str(error)) from error
    return path
