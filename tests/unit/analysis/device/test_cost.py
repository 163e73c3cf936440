"""What a model costs on the device, worked out by hand (microseconds)."""

from __future__ import annotations

import pytest

from diag.analysis import Analysis
from diag.model.availability import Unavailable
from diag.model.device import ModelDeviceCost
from tests.unit.analysis.traces import QUEUE_A, analyzed


def batches(*sizes: tuple[int, int, int], copies: str = "") -> str:
    """One batch each of (requests, executed rows, kernel us), 1 ms apart, one row a request."""
    tasks, runs, bursts, kernels = [], [], [], []
    for i, (requests, rows, length) in enumerate(sizes):
        t, batch = 1000 * i, QUEUE_A + i + 1
        for k in range(requests):
            tasks.append(f"line grpc-{i}-{k}\n  BatchingSessionRun {t + 1}..{t + 990}us")
            tasks.append(f"    ScheduleOutputTask {t + 2}..{t + 3}us size=1 _p={batch}")
        padding = f"batch_size_after_padding={rows} padding_amount={rows - requests}"
        runs += [
            f"  ProcessBatch {t + 10}..{t + 980}us batch_size_before_padding={requests} _c={batch}",
            f"    MergeInputTensors {t + 11}..{t + 20}us {padding}",
            f"    SessionRun {t + 30}..{t + 970}us id={i + 1} _p={i + 1}",
        ]
        bursts += [
            f"  ExecutorState::Process {t + 40}..{t + 900}us id={i + 1} _c={i + 1}",
            f"    gemm {t + 50}..{t + 60}us correlation_id={10 * i + 1}",
            f"    cuMemcpyHtoDAsync_v2 {t + 42}..{t + 45}us correlation_id={10 * i + 2}",
        ]
        kernels.append(f"  gemm {t + 100}..{t + 100 + length}us correlation_id={10 * i + 1}")
    return "\n".join(
        [
            "plane /host:CPU",
            *tasks,
            "line batch_threads_/1",
            *runs,
            "line tf_Compute/1",
            *bursts,
            "plane /device:GPU:0",
            "line Stream #1(Compute)",
            *kernels,
            copies,
        ]
    )


def cost_of(analysis: Analysis) -> ModelDeviceCost:
    (cost,) = analysis.device_costs
    return cost


def test_device_time_by_executed_rows_and_the_line_through_it() -> None:
    cost = cost_of(analyzed(batches((2, 2, 120), (2, 2, 140), (4, 4, 230))))
    assert [(p.rows, p.runs, p.mean_ns) for p in cost.curve] == [(2, 2, 130_000), (4, 1, 230_000)]
    assert cost.per_row_ns == pytest.approx(50_000)
    assert cost.fixed_ns == pytest.approx(30_000)
    assert cost.requests == 8
    assert cost.device_ns_per_request == 490_000 / 8
    assert cost.kernels_per_request == 3 / 8
    assert (cost.padding_ns, cost.padding_is_bound) == (0.0, False)


def test_spread_needs_as_many_runs_as_percentiles_do_anywhere() -> None:
    cost = cost_of(analyzed(batches(*[(1, 1, 100 + i) for i in range(30)])))
    (point,) = cost.curve
    assert (point.runs, point.mean_ns) == (30, 114_500)
    assert (point.p10_ns, point.p50_ns, point.p90_ns) == (102_000, 114_000, 126_000)
    (few,) = cost_of(analyzed(batches(*[(1, 1, 100)] * 9))).curve
    assert few.p10_ns == few.p90_ns == Unavailable("9 samples, 30 needed")
    assert few.p50_ns == Unavailable("9 samples, 10 needed")


def test_padding_is_paid_by_the_slope_or_bounded_by_proportion() -> None:
    line = cost_of(analyzed(batches((3, 4, 230), (2, 2, 130))))
    assert line.padding_ns == pytest.approx(50_000)
    assert not line.padding_is_bound
    bound = cost_of(analyzed(batches((3, 4, 200), (1, 4, 200))))
    assert isinstance(bound.per_row_ns, Unavailable)
    assert "1 batch size" in bound.per_row_ns.reason
    assert (bound.padding_ns, bound.padding_is_bound) == (50_000 + 150_000, True)


def test_padding_costs_nothing_where_time_does_not_grow_with_rows() -> None:
    assert cost_of(analyzed(batches((3, 4, 100), (2, 2, 130)))).padding_ns == 0.0


def test_a_slope_within_its_own_error_is_no_cost_of_a_row() -> None:
    falling = cost_of(analyzed(batches((4, 4, 100), (2, 2, 130))))
    assert isinstance(falling.per_row_ns, Unavailable)
    assert "does not grow" in falling.per_row_ns.reason
    assert falling.fixed_ns == 115_000  # what any run takes
    # 1 a row at an error of 1.4: at most 3.8 a row, 7.6 from 2 rows to 4.
    flat = cost_of(analyzed(batches((2, 2, 198), (2, 2, 202), (4, 4, 200), (4, 4, 204))))
    assert isinstance(flat.per_row_ns, Unavailable)
    assert flat.fixed_ns == 201_000


def test_noise_that_could_hide_a_cost_of_rows_leaves_the_line_unknown() -> None:
    cost = cost_of(analyzed(batches((2, 2, 100), (2, 2, 300), (3, 4, 150), (4, 4, 290))))
    for told in (cost.fixed_ns, cost.per_row_ns):
        assert isinstance(told, Unavailable)
        assert "vary too much" in told.reason
    # 10 a row at an error of 61 could be 132; but the run is no more than 150 for its 4 rows.
    assert (cost.padding_ns, cost.padding_is_bound) == (37_500, True)


def test_sizes_too_alike_do_not_show_that_rows_cost_nothing() -> None:
    cost = cost_of(analyzed(batches((7, 7, 200), (8, 8, 190))))
    assert isinstance(cost.fixed_ns, Unavailable)
    assert "from 7 to 8 rows" in cost.fixed_ns.reason


def test_bytes_a_request_and_the_speed_of_copies() -> None:
    copies = """line Stream #2(MemcpyH2D)
      MemcpyH2D 60..80us correlation_id=2 memcpy_details="size:1000000 dest:0"
      MemcpyH2D 70..100us correlation_id=2 memcpy_details="size:1000000 dest:0"
    line Stream #3(MemcpyD2H)
      MemcpyD2H 300..310us correlation_id=1 memcpy_details="kind:Unknown size:0"
    """
    cost = cost_of(analyzed(batches((2, 2, 100), copies=copies)))
    assert cost.bytes_in_per_request == 1_000_000
    assert cost.in_gb_per_s == pytest.approx(2_000_000 / 40_000)
    assert cost.bytes_out_per_request == Unavailable("none of 1 copies has a recorded size")
    assert isinstance(cost.out_gb_per_s, Unavailable)


def test_without_a_copy_no_bytes_move() -> None:
    cost = cost_of(analyzed(batches((2, 2, 100))))
    assert (cost.bytes_in_per_request, cost.bytes_out_per_request) == (0.0, 0.0)
    assert isinstance(cost.in_gb_per_s, Unavailable)


def test_requests_of_a_batch_whose_enqueues_were_cut_off_are_not_guessed() -> None:
    whole, cut = batches((2, 2, 100)), batches((2, 2, 100), (4, 4, 300))
    cut = cut.replace("line grpc-1-3\n", "# ").replace(
        f"    ScheduleOutputTask 1002..1003us size=1 _p={QUEUE_A + 2}\nline batch", "line batch"
    )
    cost = cost_of(analyzed(cut))
    assert cost.requests == 2
    assert cost.device_ns_per_request == cost_of(analyzed(whole)).device_ns_per_request
    assert [(p.rows, p.runs) for p in cost.curve] == [(2, 1), (4, 1)]


def unbatched(kernels: str, host: str) -> str:
    return f"""
    plane /host:CPU
    line grpc
      SessionRun 0..1000us id=1 _p=1
    line tf_Compute/1
      ExecutorState::Process 0..900us id=1 _c=1
        {host}
    plane /device:GPU:0
    line Stream #1(Compute)
      {kernels}
    """


def test_a_request_without_a_batch_is_a_run_of_its_own() -> None:
    cost = cost_of(
        analyzed(unbatched("k 100..300us correlation_id=1", "k 50..60us correlation_id=1"))
    )
    assert [(p.rows, p.runs, p.mean_ns) for p in cost.curve] == [(-1, 1, 200_000)]
    assert (cost.requests, cost.device_ns_per_request) == (1, 200_000)
    assert isinstance(cost.padding_ns, Unavailable)


TINY = "".join(f"k {100 + 50 * i}..{110 + 50 * i}us correlation_id={i + 1}\n" for i in range(10))


def test_many_tiny_kernels_with_the_host_between_them_are_launch_bound() -> None:
    host = "".join(
        f"n{i}:Mul {60 + 50 * i}..{100 + 50 * i}us\n"
        f"k {90 + 50 * i}..{95 + 50 * i}us correlation_id={i + 1}\n"
        for i in range(10)
    )
    cost = cost_of(analyzed(unbatched(TINY, host)))
    # from 100 to 560: ten kernels of 10, nine gaps of 40
    assert cost.launch_bound_score == pytest.approx(360 / 460)


def test_waiting_for_an_op_on_the_cpu_is_not_launching() -> None:
    kernels = "k 100..200us correlation_id=1\nk 800..900us correlation_id=2"
    host = """a:Mul 50..70us
          k 60..65us correlation_id=1
        d:DecodeJpeg 150..700us
        b:Mul 750..770us
          k 760..765us correlation_id=2"""
    cost = cost_of(analyzed(unbatched(kernels, host)))
    # 200..800 is between its kernels, DecodeJpeg runs until 700
    assert cost.launch_bound_score == pytest.approx(100 / 800)


def test_loading_a_module_before_the_first_kernel_is_no_launching_between_kernels() -> None:
    host = """cuModuleLoadData 10..90us
        k 90..95us correlation_id=1
        k 120..125us correlation_id=2"""
    kernels = "k 100..200us correlation_id=1\nk 300..400us correlation_id=2"
    cost = cost_of(analyzed(unbatched(kernels, host)))
    assert cost.launch_bound_score == pytest.approx(100 / 300)


def test_one_long_kernel_is_not_launch_bound() -> None:
    host = "k 50..60us correlation_id=1"
    assert (
        cost_of(analyzed(unbatched("k 100..300us correlation_id=1", host))).launch_bound_score == 0
    )


def test_the_function_run_of_an_in_graph_batcher_is_the_run() -> None:
    analysis = analyzed(f"""
    plane /host:CPU
    line grpc
      SessionRun 0..1000us id=1 _p=1
    line tf_Compute/1
      ExecutorState::Process 10..60us id=1 _c=1
        ExecutorState::ProcessAsync::Start 30..40us _p=70 step_id=1 kernel_type=BatchFunction name=b
          ScheduleOutputTask 32..33us size=2 _p={QUEUE_A + 1}
      ExecutorState::Process 120..300us id=9 _c=9
        k 150..160us correlation_id=1
      ExecutorDoneCallback 800..850us id=9 _c=9
        ExecutorState::ProcessAsync::Done 810..820us _c=70
      ExecutorState::Process 860..900us id=1 _c=1
        tail 870..875us correlation_id=2
    line batch_threads_/1
      ProcessBatch 90..860us batch_size_before_padding=2 _c={QUEUE_A + 1}
        ConcatInputTensors 92..95us batch_size_after_padding=4
        FunctionRun 100..110us id=8 _p=9
    plane /device:GPU:0
    line Stream #1(Compute)
      k 200..500us correlation_id=1
      tail 880..890us correlation_id=2
    """)
    cost = cost_of(analysis)
    assert [(p.rows, p.runs, p.mean_ns) for p in cost.curve] == [(4, 1, 300_000)]
    assert cost.requests == 1
    # what the request ran after its batch costs, too, but is no point of t(b)
    assert cost.device_ns_per_request == 310_000
    assert cost.kernels_per_request == 2


def test_a_session_that_runs_its_request_itself_is_a_run() -> None:
    analysis = analyzed("""
    plane /host:CPU
    line grpc
      BatchingSessionRun 0..1000us
        SessionRun 100..900us id=1 _p=1
          k 150..160us correlation_id=1
    plane /device:GPU:0
    line Stream #1(Compute)
      k 200..500us correlation_id=1
    """)
    cost = cost_of(analysis)
    assert (cost.requests, cost.device_ns_per_request) == (1, 300_000)


def test_two_models_are_told_apart_and_come_by_name() -> None:
    analysis = analyzed("""
    plane /host:CPU
    line grpc
      SessionRun 0..1000us id=1 _p=1 model_id=b:1
        k 150..160us correlation_id=1
      SessionRun 2000..3000us id=2 _p=2 model_id=a:1
        k 2150..2160us correlation_id=2
    plane /device:GPU:0
    line Stream #1(Compute)
      k 200..500us correlation_id=1
      k 2200..2300us correlation_id=2
    """)
    assert [(c.model, c.device_ns_per_request) for c in analysis.device_costs] == [
        ("a:1", 100_000),
        ("b:1", 300_000),
    ]
