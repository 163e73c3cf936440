"""The first remedy of a finding, applied to the demo's server."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from diag.demo.remedied import PARAMETERS_FILE, Remedied, remedied
from diag.demo.scenario import without_preprocessing
from diag.demo.scenarios import SCENARIOS
from diag.findings import find
from diag.formats.text.batching_parameters import parse_batching_parameters
from diag.model.availability import Unavailable
from diag.model.finding import Remedy, RemedyKind, RemedyPlace, Setting
from tests.unit.analysis.traces import analyzed
from tests.unit.findings.servers import TOLD, sessions

if TYPE_CHECKING:
    from pathlib import Path

    from diag.model.capture import BatchingParameters
    from diag.model.finding import Finding


def finding_with(id_: str, setting: Setting | None) -> Finding:
    """Any finding, with this id and one remedy."""
    text = sessions(12, taken=2100, run=(2110, 2400), end=2500, period=5000)
    (some, *_) = find(analyzed(text, TOLD))
    remedy = Remedy(RemedyKind.PARAMETER, RemedyPlace.SAVED_MODEL, "Do it.", setting)
    return replace(some, id=id_, remedies=(remedy,))


def applied(scenario: str, finding: Finding, folder: Path) -> tuple[str, BatchingParameters]:
    change = remedied(SCENARIOS[scenario], finding, folder)
    assert isinstance(change, Remedied)
    path = folder / PARAMETERS_FILE
    assert change.options == ("--batching-parameters-file", str(path))
    return change.applied, parse_batching_parameters(path.read_text(), for_function=True)


def test_one_value_changes_and_the_others_stay(tmp_path: Path) -> None:
    finding = finding_with("any", Setting("batch_timeout_micros", now=40_000, to=5000))
    text, parameters = applied("batch-timeout", finding, tmp_path)
    assert text == "batch_timeout_micros 40000 → 5000"
    assert parameters.batch_timeout_micros == 5000
    assert (parameters.max_batch_size, parameters.num_batch_threads) == (64, 2)


@pytest.mark.parametrize(
    ("scenario", "name", "sizes"),
    [
        ("one-batch-thread", "max_batch_size", ()),
        ("padding", "max_batch_size", (16, 32)),
        ("split", "max_execution_batch_size", (4, 32)),
    ],
)
def test_the_allowed_sizes_end_with_a_larger_batch(
    scenario: str, name: str, sizes: tuple[int, ...], tmp_path: Path
) -> None:
    _, parameters = applied(scenario, finding_with("any", Setting(name, now=4, to=32)), tmp_path)
    assert parameters.max_batch_size == 32
    assert parameters.allowed_batch_sizes == sizes


def test_a_smaller_batch_is_smaller(tmp_path: Path) -> None:
    finding = finding_with("any", Setting("max_batch_size", now=64, to=6))
    text, parameters = applied("batch-timeout", finding, tmp_path)
    assert (text, parameters.max_batch_size) == ("max_batch_size 64 → 6", 6)


def test_padding_gets_smaller_sizes(tmp_path: Path) -> None:
    text, parameters = applied("padding", finding_with("padding-waste", None), tmp_path)
    assert text == "allowed_batch_sizes 1, 2, 4, 8, 16"
    assert parameters.allowed_batch_sizes == (1, 2, 4, 8, 16)


def test_batching_is_turned_on_with_the_values_of_the_advice(tmp_path: Path) -> None:
    values = "max_batch_size 8, batch_timeout_micros 2000"
    setting = Setting("enable_batching", now=Unavailable("not batched"), to=values)
    text, parameters = applied("unbatched-overload", finding_with("any", setting), tmp_path)
    assert text == f"batching turned on with {values}"
    assert (parameters.max_batch_size, parameters.batch_timeout_micros) == (8, 2000)


def test_preprocessing_goes_to_the_clients(tmp_path: Path) -> None:
    scenario = SCENARIOS["slow-preprocess"]
    change = remedied(scenario, finding_with("preprocessing-in-graph", None), tmp_path)
    assert isinstance(change, Remedied)
    assert change.options == ("--without-preprocessing",)
    (plan,) = without_preprocessing(scenario).models
    assert (plan.kind, plan.layers) == ("dense", scenario.models[0].layers)


@pytest.mark.parametrize(
    "setting",
    [
        None,
        Setting("--tensorflow_inter_op_parallelism", now=2, to=4),
        Setting("batch_timeout_micros", now=2, to=Unavailable("not computed")),
    ],
)
def test_what_the_demo_cannot_do_is_said(setting: Setting | None, tmp_path: Path) -> None:
    change = remedied(SCENARIOS["batch-timeout"], finding_with("any", setting), tmp_path)
    assert change == Unavailable("the demo cannot apply it: Do it.")
    assert not list(tmp_path.iterdir())
