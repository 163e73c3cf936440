"""How text from outside is shown to a person: nothing in it can steer a terminal."""

from __future__ import annotations

import re
import unicodedata

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


def readable(text: str) -> str:
    r"""The text as valid Unicode: lone surrogates are escaped, e.g. ``\udc80``.

    A file name that is not UTF-8 holds such surrogates.
    """
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


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
