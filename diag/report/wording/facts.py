"""Facts of a caveat, each as the type that its sentence needs."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from diag.model.availability import Unavailable

if TYPE_CHECKING:
    from diag.model.caveat import Caveat


Kind = TypeVar("Kind")
_NONE = Unavailable("no such fact")


class Facts:
    """Typed access to the facts of one caveat.

    The methods raise ``KeyError`` if the caveat has no such fact, and ``TypeError`` if it has
    another type: then the code that makes the caveat and its sentence disagree.
    """

    def __init__(self, caveat: Caveat) -> None:
        self._values = dict(caveat.facts)
        self._code = caveat.code

    def has(self, name: str) -> bool:
        """Whether there is such a fact, and it has a value."""
        return not isinstance(self._values.get(name, _NONE), Unavailable)

    def count(self, name: str) -> int:
        """A whole number."""
        return self._of(name, int)

    def value(self, name: str) -> float:
        """A number in the unit that the name ends with."""
        value = self._values[name]
        return float(value) if isinstance(value, int) else self._of(name, float)

    def text(self, name: str) -> str:
        """A name or a message."""
        return self._of(name, str)

    def flag(self, name: str) -> bool:
        """A yes or no."""
        return self._of(name, bool)

    def texts(self, name: str) -> tuple[str, ...]:
        """Names or messages."""
        return tuple(str(each) for each in self._of(name, tuple))

    def values(self, name: str) -> tuple[float, ...]:
        """Numbers."""
        return tuple(float(each) for each in self._of(name, tuple))

    def _of(self, name: str, kind: type[Kind]) -> Kind:
        value = self._values[name]
        if not isinstance(value, kind):
            raise TypeError(f"fact {name} of caveat {self._code} is {value!r}")
        return value
