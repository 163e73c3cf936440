"""Big XSpaces with a GPU plane, made by the templates of ``big_space``.

``gpu_space`` is the most that the tracer keeps of a GPU (2 Mi device events and as many host calls,
cupti_collector.h): one batch after the other, of hundreds of kernels each, with a short gap after
every one. ``gap_space`` is a hundred thousand small requests, each with a kernel of its own.
"""

from __future__ import annotations

import numpy as np

from benchmarks.big_space import (
    BATCH_ID,
    FIRST_BATCH_PS,
    FIRST_LINK_ID,
    FIRST_STEP_ID,
    LAST_BATCH_PS,
    LINKS_PER_BATCH,
    PS_PER_US,
    QUEUE_KEY,
    STEP_ID,
    Names,
    Template,
    Varying,
    link,
    request_template,
    space_of,
)

Value = float | str | Varying

GPU = "/device:GPU:0"
CALLS = 930  # a batch
CALL_PS = 2_100_000
CALLS_PER_OP = 10
BATCH_PS = 2_015 * PS_PER_US
REQUESTS = 8
KERNELS = 40
DETAILS = "regs:64 static_shared:0 dynamic_shared:32768 grid:128,1,1 block:256,1,1 occ_pct:50"
COPY_DETAILS = "kind_src:pageable kind_dst:device size:602112 dest:0 async:1"
REQUEST_PS = 43 * PS_PER_US
HANDLERS = 32
WORKERS = 8


def kernel_name(number: int) -> str:
    """A symbol about as long as they are."""
    return f"void cutlass::Kernel<cutlass_80_tensorop_s1688gemm_{number % KERNELS}_128x64>(Params)"


def op_name(call: int) -> str:
    """The op that makes a call."""
    return f"block_{call // CALLS_PER_OP}/conv:Conv2D"


def gpu_space(device_events: int = 2_000_000) -> tuple[bytes, int]:
    """A serialised XSpace with about so many device events, and how many events it has in all."""
    batches = device_events // CALLS
    columns = _columns(batches, BATCH_PS)
    host_names, host_stats, gpu_names, gpu_stats = Names(), Names(), Names(), Names()
    templates = {
        "batch_threads_/0": _batch(host_names, host_stats),
        "tf_Compute/0": _calls(host_names, host_stats),
    }
    requests = [request_template(host_names, host_stats, i) for i in range(REQUESTS)]
    streams = {
        "Stream #14(MemcpyH2D)": _stream(gpu_names, gpu_stats, copies=True),
        "Stream #13(Compute)": _stream(gpu_names, gpu_stats, copies=False),
    }
    host = [(name, template.fill(columns)) for name, template in templates.items()]
    for parity in range(2):
        every_other = {name: column[parity::2] for name, column in columns.items()}
        host += [("grpcpp_sync_ser", request.fill(every_other)) for request in requests]
    gpu = [(name, template.fill(columns)) for name, template in streams.items()]
    each = sum(t.count for t in (*templates.values(), *requests, *streams.values()))
    planes = [("/host:CPU", host, host_names, host_stats), (GPU, gpu, gpu_names, gpu_stats)]
    return space_of(planes), batches * each


def gap_space(requests: int = 100_000) -> tuple[bytes, int]:
    """A serialised XSpace with so many requests, as many kernels and gaps, and all its events."""
    columns = _columns(requests, REQUEST_PS)
    host_names, host_stats, gpu_names, gpu_stats = Names(), Names(), Names(), Names()
    run, work = Template(host_names, host_stats), Template(host_names, host_stats)
    run.event("SessionRun", 0, 1_200 * PS_PER_US, id=STEP_ID, _r=1, _pt=2, _p=link(0))
    burst = 30 * PS_PER_US
    work.event("ExecutorState::Process", 50 * PS_PER_US, burst, id=STEP_ID, _ct=2, _c=link(0))
    work.event("dense:MatMul", 60 * PS_PER_US, 15 * PS_PER_US)
    work.event(kernel_name(0), 65 * PS_PER_US, 5 * PS_PER_US, correlation_id=link(1))
    kernel = Template(gpu_names, gpu_stats)
    launched: dict[str, Value] = {"correlation_id": link(1), "kernel_details": DETAILS}
    kernel.event(kernel_name(0), 73 * PS_PER_US, 10 * PS_PER_US, **launched)

    def part(template: Template, number: int, of: int) -> bytes:
        return template.fill({name: column[number::of] for name, column in columns.items()})

    host = [("grpcpp_sync_ser", part(run, i, HANDLERS)) for i in range(HANDLERS)]
    host += [(f"tf_Compute/{i}", part(work, i, WORKERS)) for i in range(WORKERS)]
    gpu = [("Stream #13(Compute)", part(kernel, 0, 1))]
    planes = [("/host:CPU", host, host_names, host_stats), (GPU, gpu, gpu_names, gpu_stats)]
    return space_of(planes), requests * (run.count + work.count + kernel.count)


def _columns(count: int, period_ps: int) -> dict[str, np.typing.NDArray[np.uint64]]:
    number = np.arange(count, dtype=np.uint64)
    start_ps = FIRST_BATCH_PS + number * np.uint64(period_ps)
    if int(start_ps.max()) > LAST_BATCH_PS:
        raise ValueError(f"{count} of {period_ps} ps do not fit the window")
    return {
        "start_ps": start_ps,
        "batch_id": np.uint64(QUEUE_KEY + 1) + number,
        "step_id": np.uint64(FIRST_STEP_ID) + number,
        "link_id": np.uint64(FIRST_LINK_ID) + number * np.uint64(LINKS_PER_BATCH),
    }


def _batch(names: Names, stats: Names) -> Template:
    line = Template(names, stats)
    run_ps = CALLS * CALL_PS + 40 * PS_PER_US
    taken: dict[str, Value] = {"batch_size_before_padding": 8, "_ct": 4, "_c": BATCH_ID}
    line.event("ProcessBatch", 0, run_ps + 20 * PS_PER_US, **taken)
    line.event(
        "MergeInputTensors", PS_PER_US, 5 * PS_PER_US, batch_size_after_padding=8, padding_amount=0
    )
    line.event("SessionRun", 8 * PS_PER_US, run_ps, id=STEP_ID, _r=1, _pt=2, _p=link(0))
    return line


def _calls(names: Names, stats: Names) -> Template:
    """A burst of ops, each of which makes some calls."""
    line = Template(names, stats)
    burst_ps = CALLS * CALL_PS + 4 * PS_PER_US
    ids: dict[str, Value] = {"id": STEP_ID, "iter_num": 0, "_ct": 2, "_c": link(0)}
    line.event("ExecutorState::Process", 10 * PS_PER_US, burst_ps, **ids)
    for call in range(CALLS):
        start = 12 * PS_PER_US + call * CALL_PS
        if call % CALLS_PER_OP == 0:
            line.event(op_name(call), start, CALLS_PER_OP * CALL_PS - 100_000)
        name = "cuMemcpyHtoDAsync_v2" if _is_copy(call) else kernel_name(call)
        line.event(name, start + 200_000, 1_500_000, correlation_id=link(1 + call), device_id=0)
    return line


def _stream(names: Names, stats: Names, *, copies: bool) -> Template:
    line = Template(names, stats)
    for call in range(CALLS):
        if _is_copy(call) is not copies:
            continue
        start = 16 * PS_PER_US + call * CALL_PS
        details = {"memcpy_details": COPY_DETAILS} if copies else {"kernel_details": DETAILS}
        line.event(
            "MemcpyH2D" if copies else kernel_name(call),
            start,
            1_800_000,
            correlation_id=link(1 + call),
            tf_op=op_name(call),
            context_id="$$1",
            **details,
        )
    return line


def _is_copy(call: int) -> bool:
    """Whether the call is one of the copies at a batch's begin."""
    return call < 3
