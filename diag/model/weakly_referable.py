"""What weak references can refer to: dataclasses with slots have no place for one in 3.10."""

from __future__ import annotations


class WeaklyReferable:
    """Base of a dataclass with slots."""

    __slots__ = ("__weakref__",)
