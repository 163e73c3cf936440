"""gRPC metadata from text with one ``name: value`` per line, the format of curl's header files.

Values are secrets: no message, log or bundle contains them.
"""

from __future__ import annotations

import base64
import binascii
import os
import re
from typing import TYPE_CHECKING

from diag.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path

Headers = tuple[tuple[str, str | bytes], ...]

HEADERS_VARIABLE = "DIAG_HEADERS"
# Source: gRPC over HTTP/2, "Custom-Metadata": names, and "grpc-" as reserved.
_NAME = re.compile(r"[0-9a-z_.-]+")
_RESERVED = ("grpc-", "content-type", "te", "host", "user-agent")
_BINARY_SUFFIX = "-bin"
_FILE_MAX_BYTES = 1 << 16


def read_headers(path: Path | None = None) -> Headers:
    """Read the headers in a file, else in the variable DIAG_HEADERS; () if neither has any.

    Args:
        path: A file with one ``name: value`` per line; None for the variable.

    Raises:
        UsageError: The file cannot be read or is too large, or a line is not a header.
    """
    if path is None:
        return parse_headers(os.environ.get(HEADERS_VARIABLE, ""), HEADERS_VARIABLE)
    try:
        with path.open("rb") as file:
            data = file.read(_FILE_MAX_BYTES + 1)
    except OSError as exc:
        raise UsageError(
            f"`headers` {path} cannot be read", cause=exc.strerror or "", parameter="headers"
        ) from exc
    if len(data) > _FILE_MAX_BYTES:
        raise UsageError(
            f"`headers` {path} is larger than {_FILE_MAX_BYTES:,} bytes", parameter="headers"
        )
    return parse_headers(data.decode("utf-8", "replace"), f"`headers` {path}")


def parse_headers(text: str, where: str) -> Headers:
    """Parse headers; empty lines and lines that begin with "#" are skipped.

    Args:
        text: One header per line; the value of a ``...-bin`` header is base64.
        where: Where the text comes from, for messages.

    Raises:
        UsageError: A line is not a header; the message names the line number, not the content.
    """
    headers: list[tuple[str, str | bytes]] = []
    for number, line in enumerate(text.splitlines(), start=1):
        if line.strip() and not line.lstrip().startswith("#"):
            headers.append(_header(line, f"{where}, line {number}"))
    return tuple(headers)


def _header(line: str, where: str) -> tuple[str, str | bytes]:
    name, colon, value = line.partition(":")
    name, value = name.strip().lower(), value.strip()
    if not colon or _NAME.fullmatch(name) is None or name.startswith(_RESERVED[0]):
        raise UsageError(
            f"{where}: not a header",
            hint="write it as 'authorization: Bearer TOKEN'",
            parameter="headers",
        )
    if name in _RESERVED:
        raise UsageError(f"{where}: gRPC itself sets {name}", parameter="headers")
    if name.endswith(_BINARY_SUFFIX):
        try:
            return name, base64.b64decode(value, validate=True)
        except binascii.Error as exc:
            message = f"{where}: the value of {name} is not base64"
            raise UsageError(message, parameter="headers") from exc
    if not (value.isascii() and value.isprintable()):
        raise UsageError(
            f"{where}: the value of {name} has characters that a header cannot contain",
            hint="let the name end in -bin and write the value in base64",
            parameter="headers",
        )
    return name, value
