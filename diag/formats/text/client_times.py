"""Times and status codes as clients write them, as ns and names."""

from __future__ import annotations

import math
from datetime import datetime, timezone
from decimal import Decimal, InvalidOperation

from diag.model.client_log import NO_STATUS, OK

_NS_PER_S = 1_000_000_000
_TIME_LIMIT = 1 << 63
# Wall clock as a number: its size tells the unit. The limits are the year 5138 in s, and in ms, µs
# and ns the years from 1973 on.
_UNITS = ((10**11, _NS_PER_S), (10**14, 1_000_000), (10**17, 1000), (_TIME_LIMIT, 1))
_NUMBER_MAX_CHARACTERS = 40
_STATUS_MAX_CHARACTERS = 40
# google/rpc/code.proto, in the order of their numbers.
_CODES = (
    "OK",
    "CANCELLED",
    "UNKNOWN",
    "INVALID_ARGUMENT",
    "DEADLINE_EXCEEDED",
    "NOT_FOUND",
    "ALREADY_EXISTS",
    "PERMISSION_DENIED",
    "RESOURCE_EXHAUSTED",
    "FAILED_PRECONDITION",
    "ABORTED",
    "OUT_OF_RANGE",
    "UNIMPLEMENTED",
    "INTERNAL",
    "UNAVAILABLE",
    "DATA_LOSS",
    "UNAUTHENTICATED",
)
_WORDS = {"": NO_STATUS, "TRUE": OK, "SUCCESS": OK, "FALSE": "UNKNOWN", "ERROR": "UNKNOWN"}


def unix_ns(value: str | float) -> int:
    """Wall clock in ns: a number of s, ms, µs or ns since 1970, or an ISO 8601 time with its zone.

    Raises:
        ValueError: It is no such time.
    """
    if isinstance(value, str):
        value = value.strip()
        if "T" in value or value.count("-") > 1:
            return _iso_ns(value)
    found = _number(value)
    if found < 0 or found >= _TIME_LIMIT:
        raise ValueError(f"{str(value)[:_NUMBER_MAX_CHARACTERS]!r} is not a time since 1970")
    factor = next(factor for limit, factor in _UNITS if found < limit)
    return round(found * factor)


def _number(value: str | float) -> Decimal:
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError(f"{value} is not a time")
    text = str(value)
    try:
        if len(text) > _NUMBER_MAX_CHARACTERS or isinstance(value, bool):
            raise InvalidOperation
        found = Decimal(text)
        if not found.is_finite() or abs(found.adjusted()) > _NUMBER_MAX_CHARACTERS:
            raise InvalidOperation
    except InvalidOperation:
        raise ValueError(f"{text[:_NUMBER_MAX_CHARACTERS]!r} is not a time") from None
    return found


def _iso_ns(text: str) -> int:
    """To the ns; Python 3.10 reads neither ``Z`` nor other than 3 or 6 digits of a second."""
    body = text[:-1] + "+00:00" if text.endswith(("Z", "z")) else text
    whole, dot, rest = body.partition(".")
    digits = len(rest) - len(rest.lstrip("0123456789"))
    fraction, zone = rest[:digits], rest[digits:]
    try:
        moment = datetime.fromisoformat(whole + (zone if dot else ""))
    except ValueError:
        raise ValueError(f"{text[:_NUMBER_MAX_CHARACTERS]!r} is not an ISO 8601 time") from None
    if moment.tzinfo is None:
        raise ValueError(f"{text[:_NUMBER_MAX_CHARACTERS]!r} has no time zone")
    since = moment - datetime(1970, 1, 1, tzinfo=timezone.utc)
    found = (since.days * 86_400 + since.seconds) * _NS_PER_S + int((fraction + "0" * 9)[:9])
    if not 0 <= found < _TIME_LIMIT:
        raise ValueError(f"{text[:_NUMBER_MAX_CHARACTERS]!r} is not a time since 1970")
    return found


def status_name(value: str | float | None) -> str:
    """The canonical name of a gRPC code by number or name; ``HTTP 503``; NO_STATUS for none."""
    text = "" if value is None else str(value).strip().upper()
    text = text.removeprefix("STATUSCODE.")
    if text in _WORDS:
        return _WORDS[text]
    if text.isdecimal() and len(text) <= 3:
        code = int(text)
        if code < len(_CODES):
            return _CODES[code]
        return OK if 200 <= code < 300 else f"HTTP {code}"
    return text[:_STATUS_MAX_CHARACTERS]
