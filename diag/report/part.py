"""What every part of a report is made of."""

import msgspec


class Part(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What all parts of a report are: frozen, and strict when read back."""
