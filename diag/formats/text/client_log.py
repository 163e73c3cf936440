"""Logs of clients: CSV, JSON lines, or spans of OpenTelemetry as JSON.

A CSV file has a header line, a JSON lines file an object a line. Both name begin, end and, if it is
known, status; ``START``, ``END`` and ``STATUS`` have the names that are read, of which the last
word may be a unit. The size of a number tells whether it is s, ms, µs or ns.
"""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import msgspec
import numpy as np

from diag.errors import InputError
from diag.formats.limits import PART_MAX_BYTES
from diag.formats.regular_file import read_regular
from diag.formats.text.client_spans import read_spans
from diag.formats.text.client_times import status_name, unix_ns
from diag.model.client_log import ClientLog

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable, Iterator, Mapping

LogSource: TypeAlias = "os.PathLike[str] | str | ClientLog"
Call: TypeAlias = "tuple[int, int, str]"

CALLS_MAX = 1_000_000
STATUSES_MAX = 100
_UNITS = ("", "_ns", "_us", "_ms", "_s", "_unix_ns", "_time", "_time_unix_nano")
START = frozenset(f"{word}{unit}" for word in ("start", "begin", "sent") for unit in _UNITS)
END = frozenset(f"{word}{unit}" for word in ("end", "finish", "received") for unit in _UNITS)
STATUS = frozenset({"status", "status_code", "code", "grpc_status", "grpc_code", "ok"})
_OTHER_STATUS = "OTHER"
_HINT = (
    "give a CSV file with the header start,end,status, a JSON object with these names on each "
    "line, or spans of OpenTelemetry as JSON; times are seconds or ns since 1970, or ISO 8601"
)


def load_client_log(source: LogSource) -> ClientLog:
    """The log in a file, or as it is.

    Raises:
        SourceNotFoundError: There is no such file.
        InputError: Not a regular file, larger than 256 MiB, more than 1,000,000 calls, or a line
            that is no call; the message has its number.
    """
    if isinstance(source, ClientLog):
        return source
    path = Path(source)
    return parse_client_log(read_regular(path, PART_MAX_BYTES), str(path), path.name)


def parse_client_log(data: bytes, where: str, name: str) -> ClientLog:
    """The log in the bytes of a file.

    Args:
        data: UTF-8.
        where: Its path, for messages.
        name: Of the log.

    Raises:
        InputError: As of ``load_client_log``.
    """
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as exc:
        raise InputError(f"{where}: not text in UTF-8", cause=str(exc), hint=_HINT) from exc
    if text.lstrip()[:1] not in ("{", "["):
        return _log(_csv_calls(text, where), where, name)
    if b'"resourceSpans"' in data:
        spans = read_spans(data, where)
        return _log(spans.calls, where, name, spans.skipped)
    return _log(_json_calls(text, where), where, name)


def _csv_calls(text: str, where: str) -> Iterator[Call]:
    lines = csv.reader(io.StringIO(text, newline=""))
    try:
        header = [each.strip().lower() for each in next(lines, [])]
        start, end = _position(header, START), _position(header, END)
        if start is None or end is None:
            raise InputError(f"{where}, line 1: no columns for begin and end", hint=_HINT)
        status = _position(header, STATUS)
        for row in lines:
            if not row:
                continue
            if len(row) <= max(start, end):
                raise InputError(f"{where}, line {lines.line_num}: a value is missing", hint=_HINT)
            how = row[status] if status is not None and status < len(row) else None
            yield _call(row[start], row[end], how, f"{where}, line {lines.line_num}")
    except csv.Error as exc:
        raise InputError(f"{where}, line {lines.line_num}: not CSV", cause=str(exc)) from exc


def _position(header: list[str], names: frozenset[str]) -> int | None:
    return next((at for at, name in enumerate(header) if name in names), None)


def _json_calls(text: str, where: str) -> Iterator[Call]:
    decoder = msgspec.json.Decoder(dict[str, Any])
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip():
            continue
        at = f"{where}, line {number}"
        try:
            entry = decoder.decode(line)
        except (msgspec.DecodeError, RecursionError, UnicodeEncodeError) as exc:
            raise InputError(f"{at}: not a JSON object", cause=str(exc), hint=_HINT) from exc
        start, end = _value(entry, START), _value(entry, END)
        if start is None or end is None:
            raise InputError(f"{at}: no begin or no end", hint=_HINT)
        yield _call(start, end, _value(entry, STATUS), at)


def _value(entry: Mapping[str, Any], names: frozenset[str]) -> Any:
    return next((value for name, value in entry.items() if name.lower() in names), None)


def _call(start: Any, end: Any, status: Any, where: str) -> Call:
    if not isinstance(start, str | int | float) or not isinstance(end, str | int | float):
        raise InputError(f"{where}: begin or end is not a time", hint=_HINT)
    try:
        begun, ended = unix_ns(start), unix_ns(end)
    except ValueError as exc:
        raise InputError(f"{where}: {exc}", hint=_HINT) from exc
    if ended < begun:
        raise InputError(f"{where}: the call ends before it begins", hint=_HINT)
    return begun, ended, status_name(status if isinstance(status, str | int | float) else None)


def _log(calls: Iterable[Call], where: str, name: str, skipped: int = 0) -> ClientLog:
    """The calls as columns, in order of their end."""
    statuses: dict[str, int] = {}
    columns: tuple[list[int], list[int], list[int]] = ([], [], [])
    for start, end, status in calls:
        if len(columns[0]) == CALLS_MAX:
            raise InputError(
                f"{where}: more than {CALLS_MAX:,} calls",
                hint="cut the log to the seconds around the capture",
            )
        if status not in statuses and len(statuses) >= STATUSES_MAX:
            status = _OTHER_STATUS
        for column, value in zip(
            columns, (start, end, statuses.setdefault(status, len(statuses))), strict=True
        ):
            column.append(value)
    start_ns, end_ns = (np.array(each, np.int64) for each in columns[:2])
    order = np.lexsort((start_ns, end_ns))
    index = np.array(columns[2], np.int32)[order]
    return ClientLog(name, start_ns[order], end_ns[order], index, tuple(statuses), skipped)
