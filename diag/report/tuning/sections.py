"""The sections of a tuning."""

from __future__ import annotations

from typing import TYPE_CHECKING

from diag.model.availability import Unavailable
from diag.model.printable import NAME_MAX_CHARS, printable
from diag.model.quantity import number, percent
from diag.prediction import thresholds
from diag.prediction.metrics import METRICS, MILLISECOND_NS
from diag.report.model import Column, Note, Section
from diag.report.rows import Row, make_table, name_column, number_column, text_column
from diag.report.tuning.words import NAMES, tuning_sentence, value_text
from diag.tuning.parameters import before_and_after

if TYPE_CHECKING:
    from collections.abc import Iterator

    from diag.report.model import Cell
    from diag.tuning import Tuning

_LEVEL = percent(thresholds.LEVEL).replace(".0%", "%")
_COLUMNS = (
    name_column("name", "metric", "What was measured or simulated."),
    text_column("metric", "key", "Permanent name of the metric.", is_detail=True),
    Column("measured", "measured", "", "In the recording.", "number", unit_key="unit"),
    Column("simulated", "simulated", "", "Today's settings.", "number", unit_key="unit"),
    Column("value", "predicted", "", "With the proposal.", "number", unit_key="unit"),
    Column("low", "at least", "", f"Low end of the {_LEVEL} interval.", "number", unit_key="unit"),
    Column("high", "at most", "", f"High end of the {_LEVEL} interval.", "number", unit_key="unit"),
    text_column("unit", "unit", "Unit of the values.", is_detail=True),
)
_SETTING_COLUMNS = (
    name_column("name", "parameter", "Field of a batching_parameters_file."),
    text_column("now", "today", "In force during the recording."),
    text_column("to", "tried", "In the prediction."),
)
_CHOICE_COLUMNS = (
    text_column("changes", "parameters", "What is changed."),
    number_column("mean", "mean", "ns", "Mean latency."),
    number_column("p99", "p99", "ns", "99th percentile of the latency."),
    number_column("batch", "batch time by request", "ns", "Time of batches over requests."),
    number_column("refused", "refused", "ratio", "Part of the requests."),
)
_UNITS = {"rows_mean": "rows", "throughput_per_s": "requests/s", "refused_ratio": "ratio"}


def tuning_sections(tuning: Tuning) -> Iterator[Section]:
    """In reading order: the answer, the numbers, the parameters, and what they rest on."""
    sentence = tuning_sentence(tuning)
    lead = Note(sentence, style="lead", strong=sentence.split(": ")[0])
    notes = tuple(Note(text, style="item") for text in _limits(tuning))
    yield Section(id="answer", title="", notes=(lead, *notes), is_summary=True)
    table = make_table("metrics", "", _COLUMNS, [_row(tuning, name) for name in METRICS])
    yield Section(id="metrics", title="Measured, simulated and predicted", tables=(table,))
    if tuning.not_beaten:
        yield _choices(tuning)
    yield _settings(tuning)


def _row(tuning: Tuning, name: str) -> Row:
    is_time = "_ms" in name
    factor = MILLISECOND_NS if is_time else 1.0
    check, prediction = tuning.self_check, tuning.prediction
    cells: list[Cell] = [getattr(check.measured, name), getattr(check.simulated, name)]
    if not isinstance(prediction, Unavailable):
        made = prediction[name]
        cells += [made.value, made.low, made.high]
    values: list[Cell | None] = [
        cell * factor if isinstance(cell, float) else cell for cell in cells
    ]
    values += [None] * (5 - len(values))
    return Row((NAMES[name], name, *values, "ns" if is_time else _UNITS[name]))


def _headroom(today: float, proposed: float) -> str:
    """Up to which load both settings keep the limits of the command, in one sentence."""
    if not today and not proposed:
        return "Neither today's settings nor the proposal keep the limits of --slo at any load."
    if not today:
        return (
            "Today's settings do not keep the limits at any load; the proposal keeps them up to "
            f"{number(proposed)} requests/s."
        )
    if not proposed:
        return (
            f"Today's settings keep the limits up to {number(today)} requests/s; the proposal does "
            "not at any load."
        )
    return (
        f"Today's settings keep the limits up to {number(today)} requests/s, and the proposal up "
        f"to {number(proposed)}."
    )


def _limits(tuning: Tuning) -> Iterator[str]:
    """What the numbers rest on."""
    if tuning.clients:
        yield (
            f"The load is {number(tuning.clients)} clients that each wait for their answer: "
            "faster answers bring more requests."
        )
    else:
        yield "The load is the recorded arrivals, which do not depend on the answers."
    today, proposed = tuning.headroom_today_per_s, tuning.headroom_per_s
    if not isinstance(today, Unavailable) and not isinstance(proposed, Unavailable):
        yield _headroom(today, proposed)
    if not tuning.is_batched and any(tuning.proposed.queues):
        yield (
            "Requests are not batched today, so the time of a batch of several is not recorded: "
            "the ranges go from the time of one request to that of all, one after the other."
        )
    elif tuning.extrapolated_rows:
        yield (
            f"Batches of up to {number(tuning.extrapolated_rows)} rows came up, and the largest "
            f"recorded one had {number(tuning.recorded_rows)}: their times are extrapolated, and "
            "the ranges allow for that."
        )
    yield from _handler_threads(tuning)
    yield from tuning.assumed
    yield (
        f"The ranges hold {_LEVEL} of the runs with resampled arrivals and batch times. They say "
        "nothing of other hours or machines."
    )


def _handler_threads(tuning: Tuning) -> Iterator[str]:
    """The limit on open requests: what was simulated, or where the prediction comes nearer to it.

    Source: grpc_max_threads of model_servers/main.cc and server.cc, tensorflow/serving 9d981c5c.
    """
    if isinstance(tuning.prediction, Unavailable):
        return
    if tuning.proposed.handlers:
        yield (
            f"At most {number(tuning.proposed.handlers)} requests are open at once, by "
            "--grpc_max_threads. The predicted latency includes the wait for a gRPC thread, which "
            "clients see and traces do not."
        )
        return
    measured, most = tuning.self_check.measured.most_open, tuning.prediction["most_open"].high
    if most > measured:
        yield (
            f"No limit on gRPC threads was simulated. Up to {number(round(most))} requests are "
            f"open at once, {number(round(measured))} in the recording, and each holds a thread: "
            "--grpc_max_threads (by default four times the cores) must be at least as many. `--set "
            "grpc_max_threads=N` simulates a limit."
        )


def _choices(tuning: Tuning) -> Section:
    rows = []
    for each in tuning.not_beaten:
        made = each.metrics
        changed = ", ".join(
            f"{name} {value if isinstance(value, int) else '/'.join(map(str, value))}"
            for name, value in each.changes.items()
        )
        times = (made.mean_ms, made.p99_ms, made.batch_ms_per_request)
        mean, p99, batch = (time * MILLISECOND_NS for time in times)
        rows.append(Row((changed or "as today", mean, p99, batch, made.refused_ratio)))
    note = Note("One run each, with the recorded load.", style="item")
    table = make_table("choices", "", _CHOICE_COLUMNS, rows, (note,))
    title = "Settings that no other beats in p99 and in batch time"
    return Section(id="choices", title=title, tables=(table,))


def _settings(tuning: Tuning) -> Section:
    tables = []
    several = len(tuning.settings.queues) > 1
    for queue in range(len(tuning.settings.queues)):
        fields = before_and_after(tuning.settings, tuning.proposed, queue)
        rows = [Row((name, value_text(now), value_text(to))) for name, (now, to) in fields.items()]
        name = printable(tuning.queues[queue], NAME_MAX_CHARS)
        title = f"Queue {queue + 1}, {name}" if several else ""
        tables.append(make_table(f"settings_{queue}", title, _SETTING_COLUMNS, rows))
    return Section(id="settings", title="Parameters", tables=tuple(tables))
