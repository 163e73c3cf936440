"""The releases that are recorded, and the Python each of them still installs on."""

from __future__ import annotations

from dataclasses import dataclass

# TensorFlow before 2.12 names no upper bound for these, and fails with what came later.
OLD_PROTOBUF, OLD_NUMPY = "protobuf<3.21", "numpy<1.24"


@dataclass(frozen=True, slots=True)
class Release:
    """A release of a library.

    Attributes:
        library: ``tensorflow`` or ``jax``.
        version: As the package registry spells it.
        python: Major and minor version of the interpreter.
        requirements: What pip installs.
    """

    library: str
    version: str
    python: str
    requirements: tuple[str, ...]

    @property
    def name(self) -> str:
        """Folder of its environment and recordings, such as ``tf2.21.0``."""
        return f"{'tf' if self.library == 'tensorflow' else self.library}{self.version}"


def _tensorflow(version: str, python: str, *others: str) -> Release:
    """The wheels without GPU support are a third of the size."""
    return Release("tensorflow", version, python, (f"tensorflow-cpu=={version}", *others))


def _jax(version: str, python: str, *others: str) -> Release:
    pins = (f"jax=={version}", f"jaxlib=={version}")
    return Release("jax", version, python, (*pins, *others))


RELEASES: tuple[Release, ...] = (
    _tensorflow("2.3.4", "3.8", OLD_PROTOBUF),
    _tensorflow("2.5.3", "3.8", OLD_PROTOBUF),
    _tensorflow("2.8.4", "3.10", OLD_PROTOBUF, OLD_NUMPY),
    _tensorflow("2.11.1", "3.10", OLD_NUMPY),
    _tensorflow("2.13.1", "3.11"),
    _tensorflow("2.15.1", "3.11"),
    _tensorflow("2.17.1", "3.12"),
    _tensorflow("2.18.1", "3.12"),
    _tensorflow("2.19.1", "3.12"),
    _tensorflow("2.20.0", "3.12"),
    _tensorflow("2.21.0", "3.12"),
    _jax("0.4.13", "3.11", "numpy<1.26", "scipy<1.12"),
    _jax("0.6.2", "3.12"),
    _jax("0.10.2", "3.12"),
)
