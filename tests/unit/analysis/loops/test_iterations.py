"""Iterations of Python loops: how many there are, and where their time goes."""

from __future__ import annotations

import re

import numpy as np
import pytest

from diag.analysis.loops.periods import find_period
from diag.model.availability import Unavailable
from diag.model.loops import FoundBy, LoopStage
from tests.unit.analysis.loops.programs import (
    ANSWERING,
    CONVERTING,
    IN_KERAS,
    IN_NEXT,
    LINE,
    LOADING,
    TAKING,
    analyzed_program,
    both,
    dataset,
    eager,
    every_ms,
    function_call,
    functions,
    jitted,
    layers,
    sampled,
)


def shares_us(analysis, row=1):
    """Stages of one iteration that took time, in us."""
    stage_ns = analysis.loops.iterations.stage_ns[row]
    return {s.value: stage_ns[s.index] / 1000 for s in LoopStage if stage_ns[s.index]}


def test_a_loop_of_eager_ops_is_cut_at_the_end_of_each_model_call():
    analysis = analyzed_program(eager(5, 10_000))
    table = analysis.loops.iterations
    assert table.complete.tolist() == [False, True, True, True, True]
    assert table.threads[0].found_by is FoundBy.PERIOD
    assert (table.threads[0].line_id, table.threads[0].call) == (LINE, "eager ops")
    assert shares_us(analysis) == {
        "not-known": 10_000,
        "convert": 50,
        "dispatch": 200,
        "model": 200,
    }
    assert table.duration_ns[1] == 10_450_000
    assert len(analysis.requests) == 0


def test_equal_layers_of_a_model_are_one_call():
    table = analyzed_program(layers(6, 10_000, equal=4, between_us=50)).loops.iterations
    assert table.complete.sum() == 5
    assert set(table.duration_ns[table.complete].tolist()) == {
        10_000_000 + 4 * 200_000 + 3 * 50_000
    }


def test_an_op_before_equal_layers_makes_the_call_longer_and_not_the_layers_irregular():
    """A busy machine: the wait before a call is hardly longer than the gaps between its layers."""
    out, at = [f"plane /host:CPU\nline python id={LINE}"], 0
    for _ in range(12):
        at += 1500
        for op in ("Fill", *("MatMul", "Relu") * 20):
            out.append(f"  EagerExecute {at}..{at + 100}us eager_op={op}")
            at += 600
    found = analyzed_program("\n".join(out)).loops.iterations
    assert int(found.complete.sum()) == 11
    # The same with Python between the layers that no call needs: each is a call.
    slow = "\n".join(out[:1] + [_later(row, k * 1500) for k, row in enumerate(out[1:])])
    assert int(analyzed_program(slow).loops.iterations.complete.sum()) > 100


def _later(row: str, us: int) -> str:
    """The event some time later."""
    return re.sub(r"(\d+)\.\.(\d+)us", lambda m: f"{int(m[1]) + us}..{int(m[2]) + us}us", row)


def test_calls_of_functions_in_bursts_are_iterations_each():
    out, at = [f"plane /host:CPU\nline python id={LINE}"], 0
    for number in range(40):
        at += 100 if number % 10 else 200_000
        out += [
            f"  tf.constant {at}..{at + 50}us",
            f"    EagerExecute {at}..{at + 40}us eager_op=_EagerConst",
        ]
        out += function_call(at + 60, 400)
        at += 460
    assert int(analyzed_program("\n".join(out)).loops.iterations.complete.sum()) == 39


@pytest.mark.parametrize(("wait_us", "between_us"), [(10_000, 1001), (4990, 1000), (500, 500)])
def test_equal_calls_with_python_between_them_are_iterations(wait_us, between_us):
    table = analyzed_program(layers(6, wait_us, equal=2, between_us=between_us)).loops.iterations
    assert table.complete.sum() == 11


def test_python_between_ops_that_takes_longer_than_any_dispatch_is_not_called_so():
    assert shares_us(analyzed_program(eager(5, 10_000, dispatch_us=1001)))["not-known"] == 12_002
    assert shares_us(analyzed_program(eager(5, 10_000, dispatch_us=1000)))["dispatch"] == 2000


def test_each_iteration_adds_up_to_the_nanosecond():
    for text in (eager(7, 3333), dataset(9, 777), functions(4, 3000, 501, kind="traced-nonXla")):
        table = analyzed_program(text).loops.iterations
        assert (table.stage_ns.sum(axis=1) == table.duration_ns).all()
        assert (table.stage_ns >= 0).all()


def test_the_wait_for_input_is_from_prefetch_to_consume():
    analysis = analyzed_program(dataset(5, 3000))
    assert analysis.loops.iterations.threads[0].found_by is FoundBy.INPUT
    assert shares_us(analysis) == {
        "input-wait": 3000,
        "input-fetch": 20,
        "model": 500,
        "not-known": 500,
    }


def test_at_level_1_all_of_next_counts_as_waiting():
    text = "\n".join(
        row
        for row in dataset(5, 3000).splitlines()
        if "Iterator::" not in row and "Op::" not in row
    )
    assert shares_us(analyzed_program(text, level=1))["input-wait"] == 3020


def test_retraced_calls_build_graphs_inside_their_iteration():
    analysis = analyzed_program(functions(5, 1000, 400, kind="traced-nonXla"))
    assert shares_us(analysis) == {"not-known": 1000, "tracing": 200, "model": 200}
    traces = analysis.loops.retracing
    assert (traces.calls, traces.retraced, traces.function) == (5, 5, "infer")
    assert traces.always_first


def test_the_function_of_a_sample_is_the_one_that_the_loop_calls():
    analysis = analyzed_program(eager(5, 10_000), every_ms(52_000, LOADING))
    assert shares_us(analysis)["preprocess"] == 10_000
    (function,) = analysis.loops.functions
    assert (function.label, function.leaf) == ("serve.py:10 load", "serve.py:10 load")
    assert function.share == pytest.approx(10_000 / 10_450, abs=1e-6)
    assert function.cpu_ratio == 0


def test_a_wait_for_a_request_is_told_by_the_stack_and_by_nothing_else():
    text = eager(5, 10_000)
    assert "request-wait" not in shares_us(analyzed_program(text))
    waits = shares_us(analyzed_program(text, every_ms(52_000, TAKING)))
    assert (waits["request-wait"], "not-known" in waits) == (10_000, False)


def test_samples_of_keras_are_part_of_the_model_call():
    shares = shares_us(analyzed_program(eager(5, 10_000), every_ms(52_000, IN_KERAS)))
    assert shares["dispatch"] == 10_200


def test_python_before_a_conversion_is_a_part_of_it_and_not_of_the_model():
    shares = shares_us(analyzed_program(eager(5, 10_000), every_ms(52_000, CONVERTING)))
    assert (shares["convert"], shares["dispatch"]) == (10_050, 200)


def test_samples_in_next_are_part_of_it():
    """After its event, ``next()`` waits for Python's lock."""
    text = dataset(5, 100, after_us=4000)
    shares = shares_us(analyzed_program(text, every_ms(24_000, IN_NEXT)))
    assert (shares["input-fetch"], "postprocess" in shares) == (4020, False)


def test_python_that_is_too_short_for_samples_before_next_is_its_own():
    """One iteration ends with it, so that its next() is the following one's."""
    shares = shares_us(analyzed_program(dataset(5, 3000, after_us=100)))
    assert (shares["input-fetch"], "not-known" in shares) == (120, False)
    shares = shares_us(analyzed_program(dataset(5, 3000, after_us=101)))
    assert (shares["input-fetch"], shares["not-known"]) == (20, 101)


def test_a_blank_without_a_sample_is_as_others_between_the_same_calls():
    """Python of Keras before the first op was sampled in one iteration, between ops in none."""
    period = 20_000 + 50 + 2 * (1500 + 100)
    rows = [(i * period + at, LOADING) for i in range(6) for at in range(500, 20_000, 1000)]
    rows += [(3 * period + 20_800, IN_KERAS)]
    shares = shares_us(analyzed_program(eager(6, 20_000, dispatch_us=1500), sampled(rows)))
    assert shares == {
        "preprocess": 20_000,
        "convert": 50,
        "dispatch": 1500,
        "model": 200,
        "not-known": 1500,
    }


def test_the_input_of_predict_is_part_of_its_call():
    out, at = [f"plane /host:CPU\nline python id={LINE}"], 0
    for _ in range(5):
        at += 5000
        for op in ("RangeDataset", "MakeIterator"):
            out.append(f"  TFE_Py_FastPathExecute_C {at}..{at + 500}us")
            out.append(f"    EagerExecute {at}..{at + 500}us eager_op={op}")
            at += 500
        out.append(f"  EagerExecute {at}..{at + 300}us eager_op=IteratorGetNext")
        out.append(f"    Iterator::Root {at}..{at + 250}us id=1")
        at += 300
        out.append(f"  tf.constant {at}..{at + 100}us")
        out.append(f"    EagerExecute {at}..{at + 100}us eager_op=_EagerConst")
        name = "one_step_on_data_distributed"
        out.append(f"  {name} {at + 300}..{at + 900}us tf_function_call=notTraced-nonXla")
        out.append(f"    EagerExecute {at + 300}..{at + 900}us eager_op=__inference_{name}_7")
        at += 900
    shares = shares_us(analyzed_program("\n".join(out)))
    assert shares == {"not-known": 5000, "dispatch": 1600, "model": 600}


def test_where_the_sampler_sees_no_thread_no_request_is_there():
    """A server with a thread for each request, whose next thread has the same number."""
    text = eager(5, 40_000)
    rows = [(at, LOADING) for at in range(500, 210_000, 1000) if at % 40_450 > 35_000]
    alone = shares_us(analyzed_program(text, sampled(rows)))
    assert (alone["preprocess"], "request-wait" in alone) == (40_000, False)
    other = sampled([(at, TAKING) for at in range(500, 210_000, 1000)], line=99)
    shares = shares_us(analyzed_program(text, both(sampled(rows), other)))
    assert shares["request-wait"] == pytest.approx(35_000, abs=1000)
    assert shares["preprocess"] == pytest.approx(5000, abs=1000)


def test_after_the_call_a_loop_over_tf_data_works_on_the_answer():
    analysis = analyzed_program(dataset(5, 100, after_us=4000), every_ms(24_000, ANSWERING))
    assert shares_us(analysis)["postprocess"] == 4000


def test_a_blank_is_shared_by_its_samples_at_half_a_tick():
    rows = [(500, TAKING), (1500, TAKING), (2500, LOADING), (3500, LOADING), (4500, LOADING)]
    samples = sampled([(i * 5000 + at, stack) for i in range(5) for at, stack in rows])
    shares = shares_us(analyzed_program(eager(5, 4550), samples))
    assert (shares["request-wait"], shares["preprocess"]) == (2000, 2550)


def test_a_late_sample_stands_for_its_tick_and_not_for_the_time_of_its_reading():
    """A tick each ms; that at 2.5 ms is read 0.9 ms late, when C code lets go of the lock."""
    ticks = [(500, TAKING), (1500, TAKING), (3400, LOADING), (3500, LOADING), (4500, LOADING)]
    samples = sampled([(i * 5000 + at, stack) for i in range(4) for at, stack in ticks])
    assert samples.tick_ns.tolist() == [500_000 + i * 1_000_000 for i in range(20)]
    shares = shares_us(analyzed_program(eager(4, 4550), samples))
    assert (shares["request-wait"], shares["preprocess"]) == (2000, 2550)


def test_a_thread_that_waits_did_not_make_the_sample_late():
    """Its function may have held Python's lock until halfway between the two readings."""
    ticks = [(500, LOADING), (1500, LOADING), (3400, TAKING), (3500, TAKING), (4500, TAKING)]
    samples = sampled([(i * 5000 + at, stack) for i in range(4) for at, stack in ticks])
    shares = shares_us(analyzed_program(eager(4, 4550), samples))
    assert (shares["preprocess"], shares["request-wait"]) == (2450, 2100)


def test_missed_ticks_are_those_before_a_late_reading():
    samples = sampled([(500, TAKING), (3900, LOADING), (4500, TAKING)])
    samples.weight[1] = 3
    assert samples.tick_ns.tolist() == [500_000, 3_500_000, 4_500_000]
    assert sampled([]).tick_ns.tolist() == []


def test_marks_of_the_program_bound_its_requests():
    rows = ["plane /host:CPU", f"line python id={LINE}"]
    for at in (0, 10_000, 20_000):
        rows += [
            f"  diag.request {at}..{at + 5000}us",
            f"    diag.stage:decode {at}..{at + 3000}us",
        ]
        rows += function_call(at + 3000, 1000)
    analysis = analyzed_program("\n".join(rows))
    table = analysis.loops.iterations
    assert table.threads[0].found_by is FoundBy.ANNOTATION
    assert table.duration_ns.tolist() == [5_000_000] * 3
    assert shares_us(analysis) == {"preprocess": 3000, "model": 1000, "not-known": 1000}


def test_two_threads_have_iterations_of_their_own():
    text = functions(4, 1000, 500)
    second = text.replace("plane /host:CPU\n", "").replace(f"id={LINE}", "id=5")
    table = analyzed_program(f"{text}\n{second}").loops.iterations
    assert [thread.name for thread in table.threads] == ["python #1", "python #2"]
    assert np.bincount(table.thread_index).tolist() == [4, 4]


def test_two_calls_are_no_loop_and_three_are_one():
    said = analyzed_program(functions(2, 1000, 500)).loops
    assert isinstance(said, Unavailable)
    assert said.reason == "no thread repeats a call of a model"
    assert len(analyzed_program(functions(3, 1000, 500)).loops.iterations) == 3


def test_reading_a_pipeline_without_a_model_is_no_loop_around_one():
    text = "\n".join(row for row in dataset(9, 500).splitlines() if "infer" not in row)
    assert isinstance(analyzed_program(text).loops, Unavailable)


def test_a_jax_call_lasts_until_it_has_executed():
    analysis = analyzed_program(jitted(5, 1000, 400))
    (thread,) = analysis.loops.iterations.threads
    assert (thread.call, thread.found_by) == ("infer", FoundBy.PERIOD)
    assert shares_us(analysis) == {"not-known": 1000, "model": 500}
    assert analysis.loops.model_busy == pytest.approx(2500 / 7501, rel=0.01)


def test_the_call_of_jax_is_what_executes_longest():
    rows = jitted(5, 1000, 400).splitlines()
    starts = [int(row.split()[1].partition(".")[0]) for row in rows if row.startswith("  Pjit")]
    at = rows.index(f"  PjitFunction(infer) {starts[0]}..{starts[0] + 100}us")
    small = [f"  PjitFunction(convert) {start - 500}..{start - 100}us" for start in starts]
    both = "\n".join([*rows[:at], *small, *rows[at:]])
    (thread,) = analyzed_program(both).loops.iterations.threads
    assert thread.call == "infer"


def test_what_a_jax_program_does_while_xla_executes_is_its_own():
    loading = shares_us(analyzed_program(jitted(5, 1000, 4000), every_ms(26_000, LOADING, cpu=0.5)))
    assert loading == {"preprocess": 5000, "model": 100}
    waiting = shares_us(analyzed_program(jitted(5, 1000, 4000), every_ms(26_000, IN_KERAS)))
    assert (waiting["dispatch"], waiting["model"]) == (1000, 4100)


def test_steps_of_training_in_jax_are_no_loop_that_serves():
    said = analyzed_program(jitted(5, 1000, 400, name="train_step")).loops
    assert said.reason == "its calls are steps of training, by their names"


def test_a_training_loop_repeats_but_answers_nothing():
    rows = functions(5, 1000, 500).replace("infer", "train_step")
    assert isinstance(analyzed_program(rows).loops, Unavailable)


@pytest.mark.parametrize(
    ("ids", "period"),
    [
        ("abcabcabcabc", 3),
        ("aaaaaa", 1),
        ("abcdefgh", 0),
        ("abcabd", 0),
        ("ababababababxbabababababab", 2),
    ],
)
def test_the_period_is_the_shortest_that_most_ops_repeat(ids, period):
    assert find_period(np.array([ord(each) for each in ids]))[0] == period
