"""How a number or a name looks to a person: the only place that formats ns, % and bytes."""

from __future__ import annotations

import re
import unicodedata

from diag.model.availability import Unavailable

NOT_AVAILABLE = "n/a"
NAME_MAX_CHARS = 60
TEXT_MAX_CHARS = 1000
_SYMBOL_SCAN_MAX = 20_000
# What an Eigen kernel computes (Eigen/src/Core/functors, unsupported/Eigen/CXX11/src/Tensor, 3.4);
# the rest of its arguments is in all of them.
_TELLING = re.compile(
    r"scalar_\w+_op|Tensor(?:Conversion|Reduction|Broadcasting|Shuffling|Slicing|Padding|Generator)Op"
)
# Cc control, Cf format (bidi overrides, zero width), Cs lone surrogates, Co private use,
# Cn unassigned, Zl and Zp line and paragraph separators: none may reach a terminal as it is.
_UNPRINTABLE = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})

_NS_PER_UNIT = {"ns": 1.0, "us": 1e3, "µs": 1e3, "ms": 1e6, "s": 1e9}


def printable(text: str, max_chars: int | None = None) -> str:
    r"""The text with every character that could steer a terminal spelt out, e.g. ``\x1b``.

    Args:
        text: Anything, also lone surrogates.
        max_chars: Longer texts keep their head and tail around ``…``; None keeps them whole.
    """
    if max_chars is not None:
        text = _cut(text, max_chars)
    if text.isascii() and text.isprintable():
        return text
    return "".join(
        _spelt_out(char) if unicodedata.category(char) in _UNPRINTABLE else char for char in text
    )


def _spelt_out(char: str) -> str:
    code = ord(char)
    if code <= 0xFF:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"


def kernel_name(symbol: str, max_chars: int = NAME_MAX_CHARS) -> str:
    """A kernel's symbol with its function's name in sight: C++ templates run to thousands of chars.

    Of a long one go, in this order: return type and parameters, template arguments but for what
    tells one of Eigen's kernels from another, or head and tail; outer namespaces.

    >>> kernel_name("void Eigen::internal::MetaKernel<Eigen::Evaluator<float>, long>(int)", 44)
    'Eigen::internal::MetaKernel<Eigen::Eval…ong>'
    """
    symbol = symbol[:_SYMBOL_SCAN_MAX].partition(" [clone ")[0]
    if len(symbol) <= max_chars:
        return printable(symbol, max_chars)
    name, arguments = _declared(symbol.replace("(anonymous namespace)::", ""))
    while len(name) + len("…::<…>") > max_chars and "::" in name.removeprefix("…::"):
        name = "…::" + name.removeprefix("…::").partition("::")[2]
    room = max_chars - len(name) - len("<>")
    telling = _TELLING.search(arguments)
    if telling and len(arguments) > room and len(telling[0]) + len("……") <= room:
        arguments = f"…{telling[0]}…"
    if arguments and room > 0:
        name = f"{name}<{_cut(arguments, room)}>"
    return printable(name, max_chars)


def _declared(symbol: str) -> tuple[str, str]:
    """The qualified name without types, templates and parameters; its last template arguments."""
    kept: list[str] = []
    arguments, depth, begin = "", 0, 0
    for place, char in enumerate(symbol):
        if char in "<(":
            begin = begin if depth else place + 1
            depth += 1
        elif depth and char in ">)" and symbol[place - 1] != "-":
            depth -= 1
            if not depth and char == ">":
                arguments = symbol[begin:place]
        elif not depth:
            if char == ":" and kept and kept[-1] != ":":
                arguments = ""
            kept.append(char)
    if depth and not arguments:
        arguments = symbol[begin:]
    name = "".join(kept).strip()
    has_type = len(kept) < len(symbol)  # without brackets it is no declaration: keep its spaces
    return (name.rpartition(" ")[2] if has_type else name) or symbol, arguments


def _cut(text: str, max_chars: int) -> str:
    """Head and tail around ``…`` where it is longer."""
    if len(text) <= max_chars:
        return text
    tail = max_chars // 4
    return f"{text[: max_chars - tail - 1]}…{text[len(text) - tail :]}"


def milliseconds(value_ns: float | Unavailable) -> str:
    """A cell of a column in ms: three digits that count, ``n/a`` where there is no value."""
    if isinstance(value_ns, Unavailable):
        return NOT_AVAILABLE
    return _three_digits(value_ns / 1e6)


def duration(value_ns: float | Unavailable) -> str:
    """A time in the unit that suits it: ``12.6 ms``, ``840 µs``, ``2.02 s``."""
    if isinstance(value_ns, Unavailable):
        return NOT_AVAILABLE
    for unit, ns in (("s", 1e9), ("ms", 1e6), ("µs", 1e3)):
        if abs(value_ns) >= ns:
            return f"{_three_digits(value_ns / ns)} {unit}"
    return f"{value_ns:.0f} ns"


def percent(ratio: float | Unavailable) -> str:
    """A ratio of 0 to 1 as ``68.2%``."""
    return NOT_AVAILABLE if isinstance(ratio, Unavailable) else f"{_signed(ratio * 100, 1)}%"


def number(value: float | Unavailable) -> str:
    """A count or a mean of counts: ``1,234``, ``1.61``."""
    if isinstance(value, Unavailable):
        return NOT_AVAILABLE
    return f"{value:,}" if isinstance(value, int) else _three_digits(value)


def quantity(value: float | Unavailable, unit: str) -> str:
    """A value with its unit; times, ratios and bytes in the form a person reads."""
    if isinstance(value, Unavailable):
        return NOT_AVAILABLE
    if unit in _NS_PER_UNIT:
        return duration(value * _NS_PER_UNIT[unit])
    if unit == "ratio":
        return percent(value)
    if unit == "mW":
        return f"{_three_digits(value / 1e3)} W"
    if unit in {"B", "bytes", "byte"}:
        return byte_size(value)
    if unit == "pid":
        return f"{value:.0f}"
    shown = number(int(value) if float(value).is_integer() else value)
    if unit.startswith("%"):
        return f"{shown}{unit}"
    return f"{shown} {unit}" if unit else shown


def byte_size(value: float) -> str:
    """Bytes in binary units: ``1.5 MiB``."""
    for unit, size in (("TiB", 2**40), ("GiB", 2**30), ("MiB", 2**20), ("KiB", 2**10)):
        if abs(value) >= size:
            return f"{_three_digits(value / size)} {unit}"
    return f"{value:.0f} B"


def _three_digits(value: float) -> str:
    """Three digits that count, at most three after the point; whole from 100 on."""
    size = abs(value)
    if 0 < size < 0.0005:
        return "<0.001" if value > 0 else ">-0.001"
    if size == 0:
        return "0"
    return _signed(value, 3 if size < 1 else 2 if size < 10 else 1 if size < 100 else 0)


def _signed(value: float, digits: int) -> str:
    """With thousands separators but no ``-0.0``."""
    text = f"{abs(value):,.{digits}f}"
    return f"-{text}" if value < 0 and text.strip("0.,") else text


def spelt_out_for_json(text: str) -> str:
    r"""JSON text with unprintable characters beyond ASCII as ``\u009b``; the values stay the same.

    Inside ASCII, JSON itself escapes control characters; line breaks between values stay.
    """
    return "".join(
        _json_escape(char)
        if ord(char) > 0x7E and unicodedata.category(char) in _UNPRINTABLE
        else char
        for char in text
    )


def _json_escape(char: str) -> str:
    units = char.encode("utf-16-be")
    return "".join(
        f"\\u{int.from_bytes(units[i : i + 2], 'big'):04x}" for i in range(0, len(units), 2)
    )
