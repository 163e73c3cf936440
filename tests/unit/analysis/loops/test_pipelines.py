"""tf.data pipelines: stages, waits, and the stage that decides."""

from __future__ import annotations

import re

import pytest

from diag.model.availability import Unavailable
from tests.unit.analysis.loops.programs import analyzed_program, dataset, functions


def pipeline(text, **options):
    (found,) = analyzed_program(text, **options).loops.pipelines
    return found


def test_the_stage_whose_functions_run_during_the_waits_decides():
    found = pipeline(dataset(10, 3000))
    assert found.name == "PrefetchDataset:9"
    assert (found.calls, found.wait_ns, found.empty_ratio) == (10, 30_000_000, 1.0)
    assert (found.threadpool_size, found.cpu_budget, found.autotuned) == (2, 2, True)
    stage = found.critical_stage
    assert (stage.kind, stage.function_ns, stage.function_calls) == ("MapAndBatch", 3_000_000, 10)
    assert stage.wait_share == pytest.approx(1.0)
    assert (stage.op, stage.python_share) == ("EagerPyFunc", 1.0)
    assert [each.kind for each in found.stages] == ["Prefetch", "MapAndBatch", "TensorSlice"]


def test_a_full_buffer_has_no_stage_that_decides():
    found = pipeline(dataset(10, 10))
    assert (found.empty_ratio, found.critical) == (0.0, -1)


def test_a_call_is_empty_from_50_us_of_waiting_on():
    assert pipeline(dataset(10, 50)).empty_ratio == 0.0
    assert pipeline(dataset(10, 51)).empty_ratio == 1.0


def test_the_name_tells_that_the_user_wrote_no_parallel_calls():
    stage = pipeline(dataset(5, 1000, kind="ParallelMapV2")).stages[1]
    assert stage.made_parallel
    assert stage.written == "map without num_parallel_calls"
    named = pipeline(dataset(5, 1000, kind="ParallelMapV2", name="ParallelMapDatasetV2:2")).stages[
        1
    ]
    assert not named.made_parallel
    assert named.written == ""


def test_a_map_that_may_make_one_call_at_a_time_is_sequential():
    one = dataset(5, 1000).replace("parallelism=2", "parallelism=1")
    assert pipeline(one).stages[1].is_sequential
    assert not pipeline(dataset(5, 1000)).stages[1].is_sequential
    tuned = one.replace("parallelism=1", "parallelism=1 autotune=true")
    assert not pipeline(tuned).stages[1].is_sequential


def test_a_fused_name_tells_what_it_is_made_of():
    fused = '"fused(ParallelMapDatasetV2:2,BatchDatasetV2:3)"'
    stage = pipeline(dataset(5, 1000, name=fused)).stages[1]
    assert stage.written == "parallelMap and batch"


def test_a_function_without_an_op_is_seen_as_such():
    assert pipeline(dataset(5, 1000)).stages[1].runs_ops
    assert not pipeline(dataset(5, 1000, op="")).stages[1].runs_ops
    assert not pipeline(dataset(5, 1000, op="Const:Const")).stages[1].runs_ops


def test_without_a_prefetch_all_of_the_root_is_waiting():
    rows = [
        row.replace("::Prefetch", "") if "MapAndBatch" in row else row
        for row in dataset(5, 1000).splitlines()
        if "Iterator::Root::Prefetch " not in row and "PrefetchConsume" not in row
    ]
    found = pipeline("\n".join(rows).replace("parent_id=2", "parent_id=1"))
    assert found.wait_ns == 5 * 1_020_000
    assert isinstance(found.producer_busy, Unavailable)


def test_many_pipelines_of_one_form_are_one_that_is_made_again():
    once = dataset(3, 1000)
    rows = once.splitlines()
    text = [rows[0], rows[1]]
    for k in range(10):
        part = dataset(1, 1000).splitlines()[2:]
        shift = k * 3000
        for row in part:
            if row.startswith("line"):
                break
            text.append(
                _later(row, shift)
                .replace("id=1 ", f"id={10 * k + 11} ")
                .replace("id=2 parent_id=1 ", f"id={10 * k + 12} parent_id={10 * k + 11} ")
            )
    found = pipeline("\n".join(text))
    assert (found.instances, found.calls) == (10, 10)


def _later(row, shift_us):
    """The event some time later."""
    return re.sub(
        r" (\d+)\.\.(\d+)us", lambda m: f" {int(m[1]) + shift_us}..{int(m[2]) + shift_us}us", row
    )


def test_a_program_without_tf_data_has_no_pipeline():
    assert analyzed_program(functions(5, 1000, 500)).loops.pipelines == ()
