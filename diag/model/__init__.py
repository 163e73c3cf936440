"""The domain types every other package speaks: frozen, and ignorant of files, wires and screens."""
