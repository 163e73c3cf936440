"""The rules in promtool, on small pages of one case each: what fires, and what just does not."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tests.support.exporter import GR, UTIL, line, page
from tests.support.prometheus import (
    Expected,
    Target,
    check_rules,
    counted,
    equals,
    firing,
    nothing,
    recorded,
    selector,
    shown,
)

SERVER = {"job": "tfserving", "instance": "server:8501", "node": "gpu-1"}
EXPORTER = {"job": "dcgm", "instance": "gpu-1:9400", "node": "gpu-1"}
CADVISOR = {"job": "cadvisor", "instance": "gpu-1:8080", "node": "gpu-1"}
POD = {"namespace": "prod", "pod": "ranker-1"}
UNKNOWN_NODE = {"node": ""}
REASONS, OLD_REASONS = "DCGM_FI_DEV_CLOCKS_EVENT_REASONS", "DCGM_FI_DEV_CLOCK_THROTTLE_REASONS"
BLANK = 140737488355328.0  # what DCGM gives for a value that it does not have
IDLE = "TFServingGPUIdleWithOpenRequests"
S = ":tensorflow:serving:"


def counters(*lines: str, **labels: str) -> Target:
    """Counters of a server, which grow by so much in every interval of 3 s."""
    return counted("\n".join((*lines, "")).encode(), SERVER | labels)


def gpu(*lines: str, **labels: str) -> Target:
    return shown(page(*lines), EXPORTER | labels)


def container(throttled: int, periods: int = 100, **labels: str) -> Target:
    """A container that was stopped in so many of the periods of an interval."""
    of = {"container": "tfserving", "namespace": "prod", "pod": "ranker-1"} | labels
    text = "".join(
        f"{selector(f'container_cpu_cfs_{name}_total', of)} {value}\n"
        for name, value in (("throttled_periods", throttled), ("periods", periods))
    )
    return counted(text.encode(), CADVISOR)


def answers(ok: int, **others: int) -> Target:
    """Counted answers of the model m in every interval."""
    return counters(
        *(
            f'{S}request_count{{model_name="m",status="{status}"}} {number}'
            for status, number in {"OK": ok, **others}.items()
        )
    )


def latency(number: int, millis: float, *, api: str = "Predict") -> tuple[str, ...]:
    """OK answers of the model m, each of which took so long."""
    of = f'model_name="m",API="{api}",entrypoint="GRPC"'
    micros = millis * 1000
    limits = [10 * 1.8**power for power in range(33)]
    name = f"{S}request_latency"
    return (
        *(f'{name}_bucket{{{of},le="{e:g}"}} {number if e > micros else 0}' for e in limits),
        f'{name}_bucket{{{of},le="+Inf"}} {number}',
        f"{name}_sum{{{of}}} {number * micros:g}",
        f"{name}_count{{{of}}} {number}",
    )


def runs(number: int, millis: float) -> tuple[str, ...]:
    of = 'model_name="m",API="Predict",runtime="TF1"'
    name = f"{S}runtime_latency"
    return (f"{name}_sum{{{of}}} {number * millis * 1000:g}", f"{name}_count{{{of}}} {number}")


def batches(
    number: int, rows: int, wait_millis: float, *, requests: int, padding: int = 0
) -> tuple[str, ...]:
    """Batches of --enable_batching with so many rows, with padding, and requests each."""
    name = f"{S}batching_session:"
    waited = number * requests * wait_millis * 1000
    return (
        f"{name}wrapped_run_count{{}} {number}",
        f'{name}queuing_latency_sum{{thread_pool_name=""}} {waited:g}',
        f'{name}queuing_latency_count{{thread_pool_name=""}} {number * requests}',
        f"{name}processed_batch_size_sum{{}} {number * rows}",
        f"{name}processed_batch_size_count{{}} {number}",
        f'{name}padding_size_sum{{execution_batch_size="{rows}"}} {number * padding}',
        *runs(number * requests, 10),
    )


def aged(target: Target, sums: float) -> Target:
    """A target whose sums are larger by this much, as after a longer time."""
    before, after = (
        tuple(replace(e, value=e.value + sums * e.name.endswith("_sum")) for e in samples)
        for samples in (target.before, target.after)
    )
    return replace(target, before=before, after=after)


# -- refused, failed, slow

ANSWERS = {
    "one of a hundred refused": (answers(99, UNAVAILABLE=1), ["TFServingRequestsRefused"]),
    "fewer refused": (answers(100, UNAVAILABLE=1), []),
    "timed out in the queue": (answers(9, RESOURCE_EXHAUSTED=1), ["TFServingRequestsRefused"]),
    "one of a hundred failed": (answers(99, INTERNAL=1), ["TFServingRequestsFailed"]),
    "fewer failed": (answers(100, INTERNAL=1), []),
    "both": (
        answers(8, UNAVAILABLE=1, DEADLINE_EXCEEDED=1),
        ["TFServingRequestsRefused", "TFServingRequestsFailed"],
    ),
    "p99 in the bucket after the limit": (counters(*latency(10, 394)), ["TFServingP99High"]),
    "p99 in the bucket before it": (counters(*latency(10, 393)), []),
    "slow probes": (counters(*latency(10, 800, api="")), []),
}


@pytest.mark.parametrize("case", ANSWERS)
def test_answers(case: str, tmp_path: Path) -> None:
    target, fires = ANSWERS[case]
    check_rules(tmp_path, [target], [firing(*fires)])


def test_few_requests_fire_nothing(tmp_path: Path) -> None:
    """Four failures, 40 slow answers and 28 waiting batches in five minutes."""
    rare = [
        answers(0, INTERNAL=1),
        counters(*latency(10, 800)),
        counters(*batches(7, 4, 6, requests=4)),
    ]
    check_rules(tmp_path, rare, [firing()], interval="75s", intervals=16, at="15m")


# -- batching

BATCHES = {
    "one row, waiting": (batches(10, 1, 4, requests=1), ["TFServingBatchesNearlyEmpty"]),
    "one row, waiting little": (batches(10, 1, 2, requests=1), []),
    "several rows, waiting": (batches(10, 4, 6, requests=4), ["TFServingQueueShareHigh"]),
    "several rows, waiting less": (batches(10, 4, 4, requests=4), []),
    "one request of many rows": (batches(10, 32, 6, requests=1), ["TFServingQueueShareHigh"]),
}


@pytest.mark.parametrize("case", BATCHES)
def test_batches(case: str, tmp_path: Path) -> None:
    lines, fires = BATCHES[case]
    check_rules(tmp_path, [counters(*lines)], [firing(*fires)])


def test_a_wait_of_less_than_a_millisecond_fires_nothing(tmp_path: Path) -> None:
    fast = (*batches(10, 4, 0.9, requests=4)[:-2], *runs(40, 1.2))
    check_rules(
        tmp_path,
        [counters(*fast)],
        [equals("tfserving_batches:queue_share:ratio", 0.75), firing()],
    )


@pytest.mark.parametrize(
    ("limit", "alert"), [(32, "TFServingBatchesNearlyEmpty"), (8, "TFServingQueueShareHigh")]
)
def test_a_rule_with_max_batch_size_tells_how_full_batches_are(
    limit: int, alert: str, tmp_path: Path
) -> None:
    """As README.md says to add it."""
    told = shown(f"tfserving_batches:max_batch_size:rows {limit}\n".encode(), SERVER)
    targets = [recorded("b_timeout", SERVER), told]
    fill = equals("tfserving_batches:fill:ratio", 287 / 137 / limit)
    check_rules(tmp_path, targets, [fill, firing(alert)])


def test_batches_of_one_row_are_full_where_the_limit_is_one(tmp_path: Path) -> None:
    told = shown(b"tfserving_batches:max_batch_size:rows 1\n", SERVER)
    waiting = counters(*batches(10, 1, 6, requests=1))
    check_rules(tmp_path, [waiting, told], [firing("TFServingQueueShareHigh")])


def test_padding_is_no_row_of_a_request(tmp_path: Path) -> None:
    padded = counters(*batches(10, 8, 1, requests=3, padding=2))
    values = {"rows_per_batch:mean": 6, "requests_per_batch:ratio": 3, "padding:ratio": 0.25}
    expected = [equals(f"tfserving_batches:{name}", value) for name, value in values.items()]
    check_rules(tmp_path, [padded], expected)


def test_batching_in_the_graph_is_read_by_model(tmp_path: Path) -> None:
    of = 'model_name="m",op_name="batch/BatchFunction"'
    name = f"{S}batching:"
    lines = (
        f'{name}batch_delay_us_v2_sum{{{of},processed_batch_size="8"}} 60000',
        f'{name}batch_delay_us_v2_count{{{of},processed_batch_size="8"}} 12',
        f'{name}processed_batch_size_v2{{{of},batch_size="8"}} 3',
        f"{name}input_batch_size_v2_sum{{{of}}} 18",
        f'{name}padding_size_v2_sum{{{of},execution_batch_size="8"}} 6',
        *runs(12, 10),
    )
    limit = shown(f"{name}max_batch_size{{{of}}} 32\n".encode(), SERVER)
    values = {
        "queued_requests:mean": 0.02,
        "queue_seconds:mean": 0.005,
        "queue_share:ratio": 0.5,
        "batches:rate": 1,
        "requests_per_batch:ratio": 4,
        "rows_per_batch:mean": 6,
        "fill:ratio": 6 / 32,
        "padding:ratio": 0.25,
    }
    expected = [equals(f'tfserving_batches:{n}{{model_name="m"}}', v) for n, v in values.items()]
    check_rules(
        tmp_path,
        [counters(*lines), limit],
        [*expected, firing("TFServingBatchesNearlyEmpty")],
    )


# -- machines

CROWDED, LIGHT = recorded("closed_timeout", SERVER), recorded("noisy_n", SERVER)
GPUS = {
    "idle": (CROWDED, gpu(line(UTIL, 49)), [IDLE]),
    "busy": (CROWDED, gpu(line(UTIL, 50)), []),
    "idle, no requests": (LIGHT, gpu(line(UTIL, 0)), []),
    "another machine": (CROWDED, gpu(line(UTIL, 0), node="gpu-2"), []),
    "no label node": (
        Target(SERVER | UNKNOWN_NODE, CROWDED.before, CROWDED.after),
        gpu(line(UTIL, 0), **UNKNOWN_NODE),
        [],
    ),
    "one of two idle": (CROWDED, gpu(line(UTIL, 0), line(UTIL, 90, 1)), []),
    "both idle": (CROWDED, gpu(line(UTIL, 0), line(UTIL, 9, 1)), [IDLE]),
    "the engine decides": (CROWDED, gpu(line(UTIL, 99), line(GR, 0.1)), [IDLE]),
    "the engine is not read": (CROWDED, gpu(line(UTIL, 10), line(GR, BLANK)), [IDLE]),
    "power": (LIGHT, gpu(line(REASONS, 0x4)), ["TFServingGPUClockLimited"]),
    "heat": (LIGHT, gpu(line(OLD_REASONS, 0x41)), ["TFServingGPUClockLimited"]),
    "brake": (LIGHT, gpu(line(REASONS, 0x80)), ["TFServingGPUClockLimited"]),
    "nothing to do, or a setting": (LIGHT, gpu(line(REASONS, 0x113)), []),
    "reasons are not read": (LIGHT, gpu(line(REASONS, 0x7FFFFFF0)), []),
}


@pytest.mark.parametrize("case", GPUS)
def test_gpus(case: str, tmp_path: Path) -> None:
    server, exporter, fires = GPUS[case]
    check_rules(tmp_path, [server, exporter], [firing(*fires)])


CONTAINERS = {
    "throttled": (container(11), ["TFServingCPUThrottled"]),
    "throttled less": (container(10), []),
    "another pod": (container(50, pod="other-1"), []),
}


@pytest.mark.parametrize("case", CONTAINERS)
def test_containers_of_pods(case: str, tmp_path: Path) -> None:
    cadvisor, fires = CONTAINERS[case]
    check_rules(tmp_path, [recorded("noisy_n", SERVER | POD), cadvisor], [firing(*fires)])


def test_a_throttled_pod_is_not_taken_for_its_neighbour(tmp_path: Path) -> None:
    servers = [
        recorded(
            "noisy_n", SERVER | {"instance": f"server:{port}", "namespace": "prod", "pod": pod}
        )
        for port, pod in ((8501, "ranker-1"), (8601, "ranker-2"))
    ]
    targets = [*servers, container(50), container(5, pod="ranker-2")]
    which = Expected('count by (pod) (ALERTS{alertstate="firing"})', {'{pod="ranker-1"}': 1})
    check_rules(tmp_path, targets, [which])


def test_a_container_without_pods_is_found_by_its_machine(tmp_path: Path) -> None:
    cadvisor = container(50, namespace="", pod="", name="tfserving")
    check_rules(tmp_path, [LIGHT, cadvisor], [firing("TFServingCPUThrottled")])


# -- the traps that README.md names


def test_probes_are_no_requests_and_hide_no_failures(tmp_path: Path) -> None:
    """99 probes and one request that fails: 1 of 100 is counted, and it is all of them."""
    page_ = counters(
        f'{S}request_count{{model_name="m",status="OK"}} 99',
        f'{S}request_count{{model_name="m",status="INTERNAL"}} 3',
        *(each.replace('"GRPC"', '"REST"') for each in latency(99, 1, api="")),
    )
    values = [
        equals("tfserving_model:requests:rate", 1),
        equals("tfserving_model:probes:rate", 33),
        equals("tfserving_model:failed:ratio", 1),
        nothing("tfserving_model:request_seconds:p99"),
    ]
    check_rules(tmp_path, [page_], [*values, firing("TFServingRequestsFailed")])


def test_the_latency_does_not_see_failures(tmp_path: Path) -> None:
    of_ok = equals("tfserving_model:answers:rate", 1)
    of_all = equals("tfserving_model:requests:rate", 3)
    failing = [counters(*latency(3, 1)), answers(3, INTERNAL=6)]
    check_rules(tmp_path, failing, [of_ok, of_all, firing("TFServingRequestsFailed")])


def test_a_restart_takes_nothing_from_rates(tmp_path: Path) -> None:
    target = replace(recorded("unb_overload", SERVER), restarts=True)
    low, high = 300, 320  # the recording has 319.7; up to an interval is lost
    expected = f"tfserving_model:requests:rate > {low} < {high}"
    check_rules(tmp_path, [target], [equals(f"count({expected})", 1)])


def test_the_first_failures_of_a_server_are_missed(tmp_path: Path) -> None:
    """A counter that appears with a value has not grown, for Prometheus."""
    failed = Target(
        SERVER, answers(0, UNAVAILABLE=50).after[1:], answers(0, UNAVAILABLE=50).after[1:]
    )
    check_rules(
        tmp_path,
        [answers(10), failed],
        [equals("tfserving_model:refused:ratio", 0), firing()],
    )


def test_sums_that_are_printed_too_coarsely_give_no_means(tmp_path: Path) -> None:
    """In steps of 10 s after weeks of load, a mean over five minutes says nothing."""
    old = counters(*latency(10, 5), *runs(10, 4))
    means = ("request_seconds", "runtime_seconds", "outside_runtime_seconds", "open_requests")
    check_rules(
        tmp_path,
        [aged(old, 1e12)],
        [
            *(nothing(f"tfserving_model:{mean}:mean") for mean in means),
            equals("tfserving_model:answers:rate", 10 / 3),
        ],
    )
    check_rules(tmp_path, [old], [equals("tfserving_model:outside_runtime_seconds:mean", 0.001)])


def test_a_difference_of_coarse_sums_is_not_shown_where_the_sums_are(tmp_path: Path) -> None:
    """In steps of 0.1 s, five seconds are known, and one second between two sums is not."""
    new = counters(*latency(10, 5), *runs(10, 4))
    expected = [
        equals("tfserving_model:request_seconds:mean", 0.005),
        equals("tfserving_model:runtime_seconds:mean", 0.004),
        nothing("tfserving_model:outside_runtime_seconds:mean"),
    ]
    check_rules(tmp_path, [aged(new, 1e10)], expected)


def test_gauges_that_hold_texts_are_zero_and_are_not_used(tmp_path: Path) -> None:
    gauge = shown(f'{S}batching:max_batch_size{{model_name="m"}} 0\n'.encode(), SERVER)
    check_rules(tmp_path, [gauge], [nothing("tfserving_batches:max_batch_size:rows")])


def test_warm_ups_are_not_taken_for_time_outside_of_the_runtime(tmp_path: Path) -> None:
    warm = counters(*latency(10, 5), *runs(12, 4))
    check_rules(tmp_path, [warm], [nothing("tfserving_model:outside_runtime_seconds:mean")])
