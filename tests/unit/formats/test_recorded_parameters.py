"""Batching parameters of a capture: those given at opening, else those that the bundle recorded."""

from __future__ import annotations

from pathlib import Path

import pytest

from diag.errors import BatchingParametersError, SourceNotFoundError
from diag.formats.bundle.writer import BundleWriter
from diag.formats.source import open_bundle
from diag.model.availability import Unavailable
from diag.model.capture import BatchingParameters
from tests.unit.formats.test_bundle import TRACE, manifest

RECORDED = "max_batch_size { value: 32 }\nbatch_timeout_micros { value: 2000 }\n"
GIVEN = "max_batch_size { value: 8 }"


def bundle_with(path: Path, server: dict[str, object]) -> Path:
    with BundleWriter(path) as writer:
        writer.add_trace("h", TRACE)
        writer.add_server(server)
        return writer.finish(manifest())


def test_a_bundle_that_recorded_the_parameters_becomes_a_capture_with_them(tmp_path: Path) -> None:
    bundle = bundle_with(tmp_path / "b", {"batching_parameters": RECORDED})
    parameters = open_bundle(bundle).batching_parameters
    assert parameters == BatchingParameters(max_batch_size=32, batch_timeout_micros=2000)
    assert parameters.read_from == f"{bundle}/diag/server.json"


def test_the_reason_why_a_bundle_has_none_is_kept(tmp_path: Path) -> None:
    server = {"batching_parameters": {"unavailable": "not asked for"}}
    assert open_bundle(bundle_with(tmp_path / "b", server)).batching_parameters == Unavailable(
        "not asked for"
    )
    (tmp_path / "t.xplane.pb").write_bytes(TRACE)
    assert open_bundle(tmp_path / "t.xplane.pb").batching_parameters == Unavailable(
        "only the trace was given, not a bundle"
    )


def test_recorded_parameters_that_are_not_valid_cost_a_caveat_and_not_the_capture(
    tmp_path: Path,
) -> None:
    bundle = bundle_with(tmp_path / "b", {"batching_parameters": "max_batch_siz { value: 3 }"})
    capture = open_bundle(bundle)
    assert isinstance(capture.batching_parameters, Unavailable)
    assert "max_batch_siz" in capture.batching_parameters.reason
    assert [caveat.code for caveat in capture.caveats] == ["batching-parameters-unreadable"]


@pytest.mark.parametrize("form", ["path", "str", "text", "content"])
def test_what_is_given_replaces_what_was_recorded(tmp_path: Path, form: str) -> None:
    bundle = bundle_with(tmp_path / "b", {"batching_parameters": RECORDED})
    file = tmp_path / "parameters.txt"
    file.write_text(GIVEN)
    content = BatchingParameters(max_batch_size=8)
    given = {"path": file, "str": str(file), "text": GIVEN, "content": content}[form]
    parameters = open_bundle(bundle, batching_parameters=given).batching_parameters
    assert parameters == content
    assert parameters.read_from == (str(file) if form in {"path", "str"} else "")


def test_given_parameters_are_checked_before_the_source_is_read(tmp_path: Path) -> None:
    nothing = tmp_path / "nothing"
    with pytest.raises(BatchingParametersError, match="max_batch_siz"):
        open_bundle(nothing, batching_parameters="max_batch_siz { value: 3 }")
    with pytest.raises(SourceNotFoundError, match="gone"):
        open_bundle(nothing, batching_parameters=tmp_path / "gone.txt")
