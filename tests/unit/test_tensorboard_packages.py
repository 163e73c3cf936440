"""Clashes between TensorBoard, its profile plugin and setuptools."""

from __future__ import annotations

from diag.tensorboard_packages import plugin_owners, problems_of, versions

GOOD = {"tensorboard": "2.21.0", "xprof": "2.24.2"}
OWNERS = {"profile": ["xprof"], "diag": ["tfserving-diag"]}


def told(
    found: dict[str, str], owners: dict[str, list[str]], *, has_pkg_resources: bool = False
) -> str:
    return " | ".join(problems_of(found, owners, has_pkg_resources=has_pkg_resources))


def test_what_is_installed_here_works_together() -> None:
    assert told(versions(), plugin_owners()) == ""
    assert told(GOOD, OWNERS) == ""


def test_two_distributions_with_one_plugin_are_told() -> None:
    owners = {**OWNERS, "profile": ["xprof", "tensorboard-plugin-profile"]}
    assert told(GOOD, owners) == (
        "tensorboard-plugin-profile and xprof each bring a plugin 'profile', and TensorBoard stops "
        "at the second: pip uninstall -y tensorboard-plugin-profile xprof, then "
        "pip install 'tfserving-diag[tensorboard]'"
    )


def test_an_old_tensorboard_needs_what_setuptools_dropped() -> None:
    found = {**GOOD, "tensorboard": "2.20.0"}
    assert "imports pkg_resources" in told(found, OWNERS)
    assert told(found, OWNERS, has_pkg_resources=True) == ""
    assert told({**GOOD, "tensorboard": "2.21.0rc1"}, OWNERS) == ""


def test_a_missing_part_has_its_command() -> None:
    assert told({}, OWNERS).startswith("TensorBoard is not installed: pip install")
    assert told(GOOD, {}).startswith("the Profile tab is not installed: pip install")
    both = {**GOOD, "tb-nightly": "2.22.0a1"}
    assert "overwrite each other's files" in told(both, OWNERS)
