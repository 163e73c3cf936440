"""How a number or a name looks to a person: the only place that formats ns, % and bytes."""

from __future__ import annotations

import unicodedata

NAME_MAX_CHARS = 60
# Cc control, Cf format (bidi overrides, zero width), Cs lone surrogates, Co private use,
# Cn unassigned, Zl and Zp line and paragraph separators: none may reach a terminal as it is.
_UNPRINTABLE = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


def printable(text: str, max_chars: int | None = None) -> str:
    r"""The text with every character that could steer a terminal spelt out, e.g. ``\x1b``.

    Args:
        text: Anything, also lone surrogates.
        max_chars: Longer texts keep their head and tail around ``…``; None keeps them whole.
    """
    if max_chars is not None and len(text) > max_chars:
        tail = max_chars // 4
        text = f"{text[: max_chars - tail - 1]}…{text[-tail:]}"
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
