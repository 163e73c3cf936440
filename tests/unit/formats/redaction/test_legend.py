"""The legend: private, kept from run to run, and never half written."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from diag.errors import InputError, OutputError
from diag.formats.redaction import pseudonyms
from diag.formats.redaction.legend import Legend, default_legend, open_legend


def test_a_new_legend_has_a_salt_and_only_its_owner_can_read_it(tmp_path: Path) -> None:
    path = tmp_path / "legend.json"
    with open_legend(path) as legend:
        salt = legend.salt
        legend.add({"model_x": "acme"})
    assert len(salt) == 32
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    with open_legend(path) as legend:
        assert (legend.salt, legend.names) == (salt, {"model_x": "acme"})
        legend.add({"host_y": "gpu-7"})
    assert '"host_y": "gpu-7"' in path.read_text()
    assert [each.name for each in tmp_path.iterdir() if not each.name.startswith(".")] == [
        path.name
    ]


def test_two_legends_have_two_salts(tmp_path: Path) -> None:
    with open_legend(tmp_path / "a") as first, open_legend(tmp_path / "b") as second:
        assert first.salt != second.salt


def test_the_default_is_in_the_users_state_and_its_folder_is_private(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    path = default_legend()
    with open_legend(path):
        pass
    assert path == tmp_path / "state" / "diag" / "legend.json"
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    monkeypatch.setenv("XDG_STATE_HOME", "relative")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert default_legend() == tmp_path / ".local/state/diag/legend.json"


@pytest.mark.parametrize("content", ["", "{}", '{"salt": "ab"}', "[1]", "\xff", "[" * 100_000])
def test_a_file_that_is_no_legend_is_refused_and_stays(tmp_path: Path, content: str) -> None:
    path = tmp_path / "notes.txt"
    path.write_text(content, "latin-1")
    with pytest.raises(InputError, match="not a legend"), open_legend(path):
        pytest.fail("it was opened")
    assert path.read_text("latin-1") == content


def test_a_folder_that_does_not_exist_is_named(tmp_path: Path) -> None:
    with (
        pytest.raises(OutputError, match="legend of the pseudonyms") as caught,
        open_legend(tmp_path / "absent" / "legend.json"),
    ):
        pytest.fail("it was opened")
    assert "--legend" in caught.value.hint


def test_a_failure_leaves_the_legend_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "legend.json"
    with open_legend(path) as legend:
        legend.add({"model_x": "acme"})
    before = path.read_bytes()
    opened = open_legend(path)
    opened.__enter__().add({"model_y": "other"})
    failure = InputError("the source cannot be read")
    assert not opened.__exit__(InputError, failure, None)
    assert path.read_bytes() == before


def test_names_beyond_the_limit_have_pseudonyms_but_no_entry(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("diag.formats.redaction.legend.LEGEND_MAX", 2)
    legend = Legend(b"x" * 32)
    legend.add({f"name_{i}": str(i) for i in range(5)})
    assert len(legend.names) == 2
    assert pseudonyms.LEGEND_MAX >= 100_000
