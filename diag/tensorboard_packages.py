"""Whether the installed TensorBoard and its profile plugin work together."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib import metadata, util

GROUP = "tensorboard_plugins"
PROFILE = "profile"
# Up to 2.20.0, default.py imports pkg_resources, which setuptools has no more from 82.0.0 on (both
# read in their wheels).
TENSORBOARD_MIN = (2, 21)
_NEEDED = "pkg_resources"
# tensorboard-plugin-profile holds the Profile tab up to 2.19, and from 2.20 on depends on xprof,
# which holds it since.
_DISTRIBUTIONS = ("tensorboard", "xprof", "tensorboard-plugin-profile", "tb-nightly")
INSTALL = "pip install 'tfserving-diag[tensorboard]'"


def versions() -> dict[str, str]:
    """Version by name of those that are installed."""
    installed = {
        each.name.lower().replace("_", "-"): each.version for each in metadata.distributions()
    }
    return {name: installed[name] for name in _DISTRIBUTIONS if name in installed}


def plugin_owners() -> dict[str, list[str]]:
    """Distributions that register a plugin, by the plugin's name."""
    owners: dict[str, list[str]] = {}
    for entry in metadata.entry_points(group=GROUP):
        owner = entry.dist.name if entry.dist else "unknown"
        owners.setdefault(entry.name, []).append(owner)
    return owners


def has_pkg_resources() -> bool:
    """Whether setuptools still brings what an older TensorBoard imports."""
    return util.find_spec(_NEEDED) is not None


def problems() -> Iterator[str]:
    """Why the installed TensorBoard would not start or would lack its Profile tab.

    Each ends in a colon and the command that mends it.
    """
    return problems_of(versions(), plugin_owners(), has_pkg_resources=has_pkg_resources())


def problems_of(
    found: Mapping[str, str], owners: Mapping[str, list[str]], *, has_pkg_resources: bool
) -> Iterator[str]:
    """The same of other packages.

    Args:
        found: As of ``versions``.
        owners: As of ``plugin_owners``.
        has_pkg_resources: As of the function of this name.
    """
    if "tensorboard" in found and "tb-nightly" in found:
        yield (
            "tensorboard and tb-nightly overwrite each other's files: "
            "pip uninstall -y tensorboard tb-nightly, then " + INSTALL
        )
    elif "tensorboard" not in found and "tb-nightly" not in found:
        yield f"TensorBoard is not installed: {INSTALL}"
    version = found.get("tensorboard", "")
    if version and _numbers(version) < TENSORBOARD_MIN and not has_pkg_resources:
        yield (
            f"TensorBoard {version} imports {_NEEDED}, which this setuptools lacks: "
            "pip install --upgrade 'tensorboard>=2.21'"
        )
    for name in (PROFILE, "diag"):
        registered = sorted(set(owners.get(name, ())))
        if len(registered) > 1:
            yield (
                f"{' and '.join(registered)} each bring a plugin {name!r}, and TensorBoard stops "
                f"at the second: pip uninstall -y {' '.join(registered)}, then {INSTALL}"
            )
    if not owners.get(PROFILE):
        yield f"the Profile tab is not installed: {INSTALL}"


def _numbers(version: str) -> tuple[int, ...]:
    """``2.21.0rc1`` as (2, 21): the first two numbers."""
    numbers = []
    for part in version.split(".")[:2]:
        digits = "".join(char for char in part if char.isdecimal())
        numbers.append(int(digits or 0))
    return tuple(numbers)
