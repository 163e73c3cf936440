"""Series between two scrapes, from pages in TensorFlow Serving's form."""

from __future__ import annotations

import json

import pytest

from diag.formats.text.prometheus import parse_metrics
from diag.model.availability import Unavailable
from diag.monitoring.load import ServerLoad, read_load
from diag.monitoring.output import render_load
from diag.monitoring.series import Bounds

PREFIX = ":tensorflow:serving:"


def counted(model: str, status: str, value: int) -> str:
    return f'{PREFIX}request_count{{model_name="{model}",status="{status}"}} {value}\n'


def histogram(name: str, labels: str, total: str, *cumulative: tuple[str, int]) -> str:
    comma = "," if labels else ""
    lines = [f'{PREFIX}{name}_bucket{{{labels}{comma}le="{le}"}} {n}\n' for le, n in cumulative]
    count = cumulative[-1][1]
    tail = [
        f"{PREFIX}{name}_sum{{{labels}}} {total}\n",
        f"{PREFIX}{name}_count{{{labels}}} {count}\n",
    ]
    return "".join(lines + tail)


def latency(name: str, model: str, api: str, total: str, *cumulative: tuple[str, int]) -> str:
    return histogram(name, f'model_name="{model}",API="{api}"', total, *cumulative)


def load(before: str, after: str, seconds: float | Unavailable = 10.0) -> ServerLoad:
    return read_load(parse_metrics(before), parse_metrics(after), seconds)


BEFORE = (
    counted("m", "OK", 100)
    + latency(
        "request_latency", "m", "Predict", "1000000", ("10000", 60), ("18000", 90), ("+Inf", 100)
    )
    + latency("runtime_latency", "m", "Predict", "900000", ("+Inf", 100))
)
AFTER = (
    counted("m", "OK", 300)
    + counted("m", "UNAVAILABLE", 50)
    + latency(
        "request_latency", "m", "Predict", "3000000", ("10000", 60), ("18000", 240), ("+Inf", 300)
    )
    + latency("runtime_latency", "m", "Predict", "2500000", ("+Inf", 300))
)


def test_a_model_between_two_scrapes() -> None:
    (model,) = load(BEFORE, AFTER).models
    assert model.model == "m"
    assert model.requests_per_s == 25.0
    assert model.by_status == {"OK": 200, "UNAVAILABLE": 50}
    assert model.refused_ratio == 0.2
    assert model.request_mean == 10_000.0
    assert model.runtime_mean == 8_000.0
    assert model.outside_mean == 2_000.0
    # 0 of the 200 are below 10 ms, 150 in the next bucket, 50 beyond.
    assert model.request_p50 == Bounds(10_000.0, 18_000.0)
    assert model.request_p99 == Bounds(18_000.0, float("inf"))


def test_without_an_interval_there_are_no_rates() -> None:
    (model,) = load(BEFORE, AFTER, Unavailable("not known")).models
    assert model.requests_per_s == Unavailable("not known")
    assert model.by_status == {"OK": 200, "UNAVAILABLE": 50}


def test_a_restart_is_no_negative_rate() -> None:
    (model,) = load(AFTER, BEFORE).models
    assert isinstance(model.requests_per_s, Unavailable)
    assert "restarted" in model.requests_per_s.reason
    assert isinstance(model.request_mean, Unavailable)


def test_absence_is_not_zero() -> None:
    (model,) = load("", latency("request_latency", "m", "Predict", "10", ("+Inf", 1))).models
    assert isinstance(model.requests_per_s, Unavailable)
    assert isinstance(model.runtime_mean, Unavailable)
    found = load("", "other_metric 1\n")
    assert found.models == ()
    assert any("no request_count" in trap for trap in found.traps)
    assert isinstance(found.batching.queue_mean, Unavailable)


def test_probes_are_left_out() -> None:
    probes = latency("request_latency", "m", "", "100", ("+Inf", 40)) + counted("m", "OK", 340)
    after = AFTER.replace(counted("m", "OK", 300), "") + probes
    found = load(BEFORE, after)
    (model,) = found.models
    assert model.probes == 40
    assert model.by_status == {"OK": 200, "UNAVAILABLE": 50}
    assert model.request_mean == 10_000.0
    assert any('API=""' in trap for trap in found.traps)


@pytest.mark.parametrize(("total", "is_known"), [("1.01e+06", True), ("1.00002e+10", False)])
def test_digits_that_the_page_leaves_out(total: str, is_known: bool) -> None:
    before = latency("request_latency", "m", "Predict", "1e+06", ("+Inf", 100))
    before = before if is_known else before.replace("1e+06", "1e+10")
    after = latency("request_latency", "m", "Predict", total, ("+Inf", 110))
    (model,) = load(before, after).models
    assert isinstance(model.request_mean, Unavailable) != is_known


def batching(queued: int, tasks: int, batches: int, rows: int, padding: int) -> str:
    name = "batching_session"
    return (
        histogram(f"{name}:queuing_latency", 'thread_pool_name=""', str(queued), ("+Inf", tasks))
        + f"{PREFIX}{name}:wrapped_run_count {batches}\n"
        + histogram(f"{name}:processed_batch_size", "", str(rows), ("+Inf", batches))
        + histogram(
            f"{name}:padding_size", 'execution_batch_size="8"', str(padding), ("+Inf", batches)
        )
    )


def test_batches_of_all_models() -> None:
    found = load(BEFORE + batching(0, 0, 0, 0, 0), AFTER + batching(800_000, 200, 50, 400, 100))
    assert found.batching.queue_mean == 4_000.0
    assert found.batching.queue_share == 0.5
    assert found.batching.batches_per_s == 5.0
    assert found.batching.requests_per_batch == 5.0
    assert found.batching.rows_mean == 8.0
    assert found.batching.padding_share == 0.25


def test_split_requests_have_no_queue_share() -> None:
    found = load(BEFORE + batching(0, 0, 0, 0, 0), AFTER + batching(800_000, 400, 50, 400, 0))
    assert isinstance(found.batching.queue_share, Unavailable)
    assert "split" in found.batching.queue_share.reason


def test_text_and_json_say_the_same() -> None:
    found = load(BEFORE, AFTER)
    text = render_load(found)
    assert "requests                25.0/s" in text
    assert "latency, p50            10.0 ms to 18.0 ms" in text
    assert "latency, p99            18.0 ms or more" in text
    assert "missing from request_latency" in text
    document = json.loads(render_load(found, "json"))
    (model,) = document["models"]
    assert (document["version"], model["requests_per_s"]) == (1, 25.0)
    assert model["request_p99"] == {"low": 18_000.0, "high": None}
    assert document["batching"]["queue_mean"] == {"unavailable": "the page has no such metric"}


def test_hostile_names_cannot_steer_a_terminal() -> None:
    after = counted("m\x1b[31m\u202e", "OK", 3)
    text = render_load(load("", after))
    assert "\x1b" not in text
    assert "\u202e" not in text


def test_seconds_must_be_positive() -> None:
    with pytest.raises(ValueError, match="more than 0"):
        load(BEFORE, AFTER, 0.0)
