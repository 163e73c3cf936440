"""Python loops around a model: where iterations spend their time, functions, and pipelines."""

from __future__ import annotations

from typing import TYPE_CHECKING

from diag.analysis.distribution import describe
from diag.model.availability import Unavailable
from diag.model.loops import LOOP_STAGES, MODEL_CALL, LoopStage
from diag.model.printable import NAME_MAX_CHARS, printable
from diag.report.model import Section
from diag.report.notes import note
from diag.report.rows import (
    Row,
    flag_column,
    make_table,
    name_column,
    number_column,
    text_column,
)
from diag.report.topics import ReportInputs, topic

if TYPE_CHECKING:
    from collections.abc import Iterator

    from diag.model.events import Int64s
    from diag.model.input_pipelines import Pipeline, PipelineStage
    from diag.model.loops import Loops

LOOP_COLUMNS = (
    name_column("stage", "stage", "Part of an iteration; the stages add up to the iteration."),
    number_column("share", "share", "ratio", "Share of the time of all complete iterations."),
    number_column(
        "share_of_work", "of work", "ratio", "Share of the time without waiting for requests."
    ),
    number_column("mean_ns", "mean", "ns", "Mean time per iteration."),
    number_column("p50_ns", "p50", "ns", "Median, over iterations."),
    number_column("p90_ns", "p90", "ns", "90th percentile, over iterations."),
)
FUNCTION_COLUMNS = (
    name_column("function", "function", "File, line and name of the Python function."),
    name_column("where", "where", "In the loop, in a map() of tf.data, or in a pool of threads."),
    name_column("stage", "stage", "What its time counts as in the iterations."),
    number_column("share", "share", "ratio", "Of iterations; in a map or pool, of its samples."),
    number_column("error", "error", "ratio", "One standard deviation of the share."),
    number_column("cpu", "on the CPU", "ratio", "Near 0 it waits, near 1 it computes."),
    number_column("samples", "samples", "count", "Samples of the stack in it."),
    name_column("leaf", "most in", "Function of the program that is most often the innermost."),
)
PIPELINE_COLUMNS = (
    name_column("pipeline", "pipeline", "Its last dataset."),
    number_column("instances", "made", "count", "Iterators of it that were read."),
    number_column("calls", "calls", "count", "Calls of next()."),
    number_column("waiting", "waiting", "ratio", "Part of the window in which next() waits."),
    number_column("empty", "empty", "ratio", "Calls that found no element ready."),
    number_column("ready", "ready", "count", "Mean number of ready elements."),
    number_column("producer", "producer", "ratio", "Part of the time its producer works."),
    number_column("threads", "pool", "count", "Threads of the pool that runs its functions."),
    flag_column("autotuned", "autotuner", "Whether tf.data tunes it."),
    name_column("critical", "decides", "Stage that decides how fast elements come."),
)
STAGE_COLUMNS = (
    name_column("stage", "stage", "Kind of the dataset, the last one first."),
    name_column("name", "name", "Its node in the graph, or the name the program gave."),
    text_column("written", "in the program", "What was written, where tf.data changed it."),
    number_column("elements", "elements", "count", "Calls for an element."),
    number_column("function_ns", "function", "ns", "Mean time of its function while it executes."),
    number_column("used", "in flight", "count", "Mean number of its functions that execute."),
    number_column("parallelism", "parallel", "count", "Calls that it may make at a time."),
    number_column("wait_share", "of waiting", "ratio", "Part of the waiting in which it works."),
    number_column("buffer_limit", "buffer", "count", "Elements its buffer may hold."),
    number_column("batch_size", "batch", "count", "Elements of a batch."),
    name_column("op", "most in op", "Op with most time in its function."),
    text_column("path", "path", "Iterators from the root to it.", is_detail=True),
    flag_column("decides", "decides", "Whether it decides how fast elements come.", is_detail=True),
)


@topic(order=610)
def loop_sections(inputs: ReportInputs) -> Iterator[Section]:
    """Nothing for a program without iterations."""
    loops = inputs.analysis.loops
    if isinstance(loops, Unavailable):
        return
    yield _loop_section(loops)
    if not isinstance(loops.functions, Unavailable) and loops.functions:
        yield _function_section(loops)
    if loops.pipelines:
        yield _pipeline_section(loops.pipelines)
    for index, pipeline in enumerate(loops.pipelines):
        yield _stage_section(index, pipeline)


def _loop_section(loops: Loops) -> Section:
    table = loops.iterations
    stage_ns = table.stage_ns[table.complete]
    wait = int(stage_ns[:, LoopStage.REQUEST_WAIT.index].sum())
    total = max(1, int(stage_ns.sum()))
    rows = [_row("iteration", stage_ns.sum(axis=1), total, total, 0)]
    call = [stage.index for stage in MODEL_CALL]
    for stage in LOOP_STAGES:
        if stage is MODEL_CALL[0]:
            rows.append(_row("model-call", stage_ns[:, call].sum(axis=1), total, total - wait, 1))
        if stage_ns[:, stage.index].any():
            level = 2 if stage in MODEL_CALL else 1
            of_work = 0 if stage is LoopStage.REQUEST_WAIT else total - wait
            rows.append(_row(stage.value, stage_ns[:, stage.index], total, of_work, level))
    threads = [
        note(
            "{thread}: {n} iterations of {call}, found by {by}.",
            thread=(printable(thread.name, NAME_MAX_CHARS), ""),
            n=(int((table.thread_index == index).sum()), "count"),
            call=(printable(thread.call, NAME_MAX_CHARS), ""),
            by=(thread.found_by.value, ""),
        )
        for index, thread in enumerate(table.threads)
    ]
    return Section(
        id="loop",
        title="Where the time of iterations goes",
        notes=tuple(threads),
        tables=(make_table("loop", "", LOOP_COLUMNS, rows),),
    )


def _row(name: str, times_ns: Int64s, total: int, of_work: int, level: int) -> Row:
    time = describe(times_ns)
    part = int(times_ns.sum())
    share = None if not of_work or level == 0 else part / of_work
    return Row((name, part / total, share, time.mean_ns, time.p50_ns, time.p90_ns), level=level)


def _function_section(loops: Loops) -> Section:
    functions = () if isinstance(loops.functions, Unavailable) else loops.functions
    rows = [
        Row(
            (
                printable(each.label, NAME_MAX_CHARS),
                each.place.value,
                each.stage.value,
                each.share,
                each.error,
                each.cpu_ratio,
                each.samples,
                printable(each.leaf, NAME_MAX_CHARS),
            )
        )
        for each in functions
    ]
    table = make_table("functions", "", FUNCTION_COLUMNS, rows)
    return Section(id="functions", title="Python functions with most time", tables=(table,))


def _pipeline_section(pipelines: tuple[Pipeline, ...]) -> Section:
    rows = [
        Row(
            (
                printable(each.name, NAME_MAX_CHARS),
                each.instances,
                each.calls,
                each.wait_ratio,
                each.empty_ratio,
                each.occupancy,
                each.producer_busy,
                each.threadpool_size,
                each.autotuned,
                None if each.critical_stage is None else each.critical_stage.kind,
            )
        )
        for each in pipelines
    ]
    table = make_table("pipelines", "", PIPELINE_COLUMNS, rows)
    return Section(id="pipelines", title="tf.data pipelines", tables=(table,))


def _stage_section(index: int, pipeline: Pipeline) -> Section:
    name = printable(pipeline.name, NAME_MAX_CHARS)
    rows = [_stage_row(each, decides=each is pipeline.critical_stage) for each in pipeline.stages]
    table = make_table("pipeline_stages", "", STAGE_COLUMNS, rows)
    return Section(
        id="pipeline_stages",
        title=f"Stages of {name}",
        subject=pipeline.name,
        tables=(table,),
        is_detail=index > 0,
    )


def _written(stage: PipelineStage) -> str:
    """What the program says where tf.data made something else of it."""
    if stage.injected:
        return "nothing, added by tf.data"
    if stage.made_parallel:
        return "sequential, made parallel by tf.data"
    return printable(stage.written, NAME_MAX_CHARS)


def _stage_row(stage: PipelineStage, *, decides: bool) -> Row:
    known = {
        "parallelism": stage.parallelism,
        "buffer": stage.buffer_limit,
        "batch": stage.batch_size,
        "function": stage.function_ns,
    }
    shown = {key: None if isinstance(v, Unavailable) else v for key, v in known.items()}
    return Row(
        (
            stage.kind,
            printable(stage.name, NAME_MAX_CHARS),
            _written(stage),
            stage.elements,
            shown["function"],
            stage.used if stage.function_calls else None,
            1 if stage.is_sequential and stage.function_calls else shown["parallelism"],
            stage.wait_share,
            shown["buffer"],
            shown["batch"],
            printable(stage.op, NAME_MAX_CHARS),
            printable(stage.path, NAME_MAX_CHARS),
            decides,
        )
    )
