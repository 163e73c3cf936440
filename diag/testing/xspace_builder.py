r"""Build XSpaces from readable lines: one statement per line; indentation has no meaning.

>>> from diag.formats.trace.xspace import decode_space
>>> space = decode_space(build_space('''
...     env profile_start_time=1700000000000000000
...     plane /host:CPU
...     line grpc-1
...       BatchingSessionRun 0..12000us
...         ScheduleWithoutSplit 5..20us batching_input_task_size=2
...           ScheduleOutputTask 8..12us size=2 _p=100
...     line batch_threads_/1
...       ProcessBatch 4000..11000us _c=100 batch_size_before_padding=2
...       ThreadpoolListener::Record @4100us _p=7
...     plane /device:GPU:0
...     line Stream #7(Compute)
...       gemm 6000..9000us correlation_id=5 kernel_details="regs:32 grid:1,1,1"
... '''))
>>> [(plane.name, len(plane.events)) for plane in space.planes]
[('Task Environment', 0), ('/host:CPU', 5), ('/device:GPU:0', 1)]

Grammar::

    plane NAME [id=N]             a host or device; what follows belongs to it
    line NAME [id=N] [at=TIME]    a thread or stream of the plane; at: XLine.timestamp_ns
      NAME START..END [KEY=VALUE ...]     an event on the line, e.g. 4..7.5us or 900ns..2us
      NAME @TIME [KEY=VALUE ...]          a mark, e.g. @5us
    stat KEY=VALUE ...            stats of the plane
    env KEY=VALUE ...             stats of the capture, e.g. profile_start_time
    error TEXT | warning TEXT | hostname TEXT
    # a comment, on a separate line

Times are on the capture's clock, in s, ms, us, ns or ps; a START without a unit has END's.
A value is an integer (``7``; ``7u`` is written as uint64), a number with a point or an exponent
(double), a bare word, or a text in double quotes with ``\"`` and ``\\``. Names may have spaces.
"""

from __future__ import annotations

import re
from fractions import Fraction
from typing import TYPE_CHECKING, Final

from diag.testing.space_builder import LineBuilder, PlaneBuilder, SpaceBuilder, Uint64

if TYPE_CHECKING:
    from diag.model.events import StatValue

_UNIT_PS: Final = {"ps": 1, "ns": 10**3, "us": 10**6, "ms": 10**9, "s": 10**12}
_UNIT: Final = "(ps|ns|us|ms|s)"
_NUMBER: Final = r"(-?\d+(?:\.\d+)?)"
_TIME: Final = re.compile(_NUMBER + _UNIT)
_EVENT: Final = re.compile(
    rf"(?P<name>\S.*?)\s+(?:{_NUMBER}{_UNIT}?\.\.{_NUMBER}{_UNIT}|@{_NUMBER}{_UNIT})(?P<stats>\s.*|)"
)
_PAIR: Final = re.compile(r'\s*([^\s="]+)=("(?:[^"\\]|\\.)*"|[^\s"]\S*)(?=\s|$)')
_OPTION: Final = re.compile(r"\s(id|at)=(\S+)$")
_STATEMENT: Final = re.compile(r"(plane|line|stat|env|error|warning|hostname)\s+(\S.*)")


class SpaceTextError(ValueError):
    """A line of the text violates the grammar; the message has its number and its text."""


def build_space(text: str) -> bytes:
    """The serialised XSpace that the text describes.

    Raises:
        SpaceTextError: A line is malformed or in the wrong place.
    """
    return read_space_text(text).build()


def read_space_text(text: str) -> SpaceBuilder:
    """A builder with the planes, lines and events of the text.

    Raises:
        SpaceTextError: A line is malformed or in the wrong place.
    """
    reader = _Reader()
    for number, line in enumerate(text.splitlines(), 1):
        words = line.strip()
        if not words or words.startswith("#"):
            continue
        try:
            reader.read(words)
        except ValueError as problem:
            raise SpaceTextError(f"line {number}: {problem}: {words!r}") from None
    return reader.space


class _Reader:
    def __init__(self) -> None:
        self.space = SpaceBuilder()
        self._plane: PlaneBuilder | None = None
        self._line: LineBuilder | None = None

    def read(self, words: str) -> None:
        statement = _STATEMENT.fullmatch(words)
        # An event may be called "line": its span tells it apart.
        if statement is None or (_EVENT.fullmatch(words) and self._line is not None):
            self._event(words)
            return
        keyword, rest = statement.groups()
        if keyword == "plane":
            name, options = _name_and_options(rest, allowed={"id"})
            self._plane = self.space.plane(name, plane_id=int(options.get("id", "0")))
            self._line = None
        elif keyword == "line":
            self._open_line(rest)
        elif keyword == "stat":
            for stat, value in _stats(rest).items():
                self._open_plane().stat(stat, value)
        elif keyword == "env":
            self.space.environment(_stats(rest))
        else:
            {
                "error": self.space.error,
                "warning": self.space.warning,
                "hostname": self.space.hostname,
            }[keyword](rest)

    def _open_plane(self) -> PlaneBuilder:
        if self._plane is None:
            raise ValueError("there is no plane yet")
        return self._plane

    def _open_line(self, rest: str) -> None:
        name, options = _name_and_options(rest, allowed={"id", "at"})
        timestamp_ns, remainder_ps = divmod(_time_ps(options.get("at", "0ns")), 1000)
        if remainder_ps:
            raise ValueError("at= must be in whole nanoseconds")
        number = int(options["id"]) if "id" in options else None
        self._line = self._open_plane().line(name, line_id=number, timestamp_ns=timestamp_ns)

    def _event(self, words: str) -> None:
        found = _EVENT.fullmatch(words)
        if found is None:
            raise ValueError("neither a statement nor NAME START..END or NAME @TIME")
        if self._line is None:
            raise ValueError("there is no line yet")
        name, start, start_unit, end, end_unit, mark, mark_unit, stats = found.groups()
        if mark is not None:
            start_ps = end_ps = _picoseconds(mark, mark_unit)
        else:
            start_ps = _picoseconds(start, start_unit or end_unit)
            end_ps = _picoseconds(end, end_unit)
        if end_ps < start_ps:
            raise ValueError("ends before it starts")
        self._line.event_ps(name, start_ps, end_ps, _stats(stats))


def _name_and_options(rest: str, allowed: set[str]) -> tuple[str, dict[str, str]]:
    options: dict[str, str] = {}
    while (found := _OPTION.search(rest)) and found[1] in allowed:
        options[found[1]] = found[2]
        rest = rest[: found.start()].rstrip()
    return rest, options


def _time_ps(text: str) -> int:
    found = _TIME.fullmatch(text)
    if found is None:
        raise ValueError(f"{text!r} is no time such as 5us")
    return _picoseconds(found[1], found[2])


def _picoseconds(number: str, unit: str) -> int:
    value = Fraction(number) * _UNIT_PS[unit]
    if value.denominator != 1:
        raise ValueError(f"{number}{unit} is finer than a picosecond")
    return value.numerator


def _stats(text: str) -> dict[str, StatValue]:
    stats: dict[str, StatValue] = {}
    at = 0
    while at < len(text.rstrip()):
        found = _PAIR.match(text, at)
        if found is None:
            raise ValueError(f"{text[at:].strip()!r} is not KEY=VALUE")
        if found[1] in stats:
            raise ValueError(f"{found[1]} is given twice")
        stats[found[1]] = _value(found[2])
        at = found.end()
    return stats


def _value(text: str) -> StatValue:
    if text.startswith('"'):
        return re.sub(r"\\(.)", r"\1", text[1:-1])
    if re.fullmatch(r"-?\d+", text):
        return int(text)
    if re.fullmatch(r"\d+u", text):
        return Uint64(text[:-1])
    if re.fullmatch(r"-?\d+(\.\d+)?(e[+-]?\d+)?", text):
        return float(text)
    return text
