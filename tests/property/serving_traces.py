"""Traces for properties: plausible servers, and rubbish that bears the names of serving events."""

from __future__ import annotations

from dataclasses import dataclass, field

from hypothesis import strategies as st

from diag.formats.trace import event_names as ev

Event = tuple[str, int, int, dict[str, int | str]]


@dataclass
class Trace:
    """Host and device lines by name, each a list of events (name, start, end, stats), in us."""

    host: dict[str, list[Event]] = field(default_factory=dict)
    device: dict[str, list[Event]] = field(default_factory=dict)

    def add(self, line: str, event: Event) -> None:
        """One event on a host line."""
        self.host.setdefault(line, []).append(event)

    def text(self, *, shift_us: int = 0, planes: bool = False, reverse: bool = False) -> str:
        """As XSpace text.

        Args:
            shift_us: Added to all times.
            planes: Whether the device plane comes first.
            reverse: Whether lines, and events on a line, come in reverse order.
        """
        host = ["plane /host:CPU", *_lines(self.host, shift_us, reverse)]
        device = ["plane /device:GPU:0", *_lines(self.device, shift_us, reverse)]
        if not self.device:
            device = []
        return "\n".join(device + host if planes else host + device)


def _lines(lines: dict[str, list[Event]], shift_us: int, reverse: bool) -> list[str]:
    out = []
    for number, line in enumerate(list(lines)[:: -1 if reverse else 1]):
        out.append(f"line {line} id={number + 1} at=0ns")
        for name, start, end, stats in lines[line][:: -1 if reverse else 1]:
            written = " ".join(f"{key}={value}" for key, value in stats.items())
            out.append(f"  {name} {start + shift_us}..{end + shift_us}us {written}")
    return out


LINES = ("grpc-1", "grpc-2", "tf_Compute/1", "tf_Compute/2", "batch_threads_/1", "x")
NAMES = (
    ev.BATCHING_SESSION_RUN,
    ev.MERGE_INPUT_TENSORS,
    ev.SCHEDULE_WITHOUT_SPLIT,
    ev.SCHEDULE_OUTPUT_TASK,
    ev.PROCESS_BATCH,
    ev.ADAPTIVE_SCHEDULE,
    ev.CONCAT_INPUT_TENSORS,
    ev.SESSION_RUN,
    ev.FUNCTION_RUN,
    ev.EXECUTOR_PROCESS,
    ev.EXECUTOR_DONE_CALLBACK,
    ev.PROCESS_ASYNC_START,
    ev.PROCESS_ASYNC_DONE,
    ev.THREADPOOL_RECORD,
    ev.THREADPOOL_START_REGION,
    ev.SCHEDULE_WITH_EAGER_SPLIT,
    "Schedule:1",
    "ProcessBatch:3",
    "ReduceDatasetOp::DoCompute",
    "InstantiatedCapturedFunction::RunAsync",
    "v:RestoreV2",
    "d:DecodeJpeg",
    "d:ReduceDataset",
    "m:MatMul",
    "kernel",
)
_identifier = st.sampled_from([0, 1, 2, 3, -1, 2**63 - 1, -(2**63), (7 << 32) + 1, (7 << 32) + 2])
_stats = st.fixed_dictionaries(
    {},
    optional={
        "_p": _identifier,
        "_c": _identifier,
        "id": _identifier,
        "_pt": st.sampled_from([2, 4, 6, -9]),
        "_ct": st.sampled_from([2, 4, 6, 2**62]),
        "size": st.sampled_from([0, 1, 3, -5, 2**62]),
        "batch_size_before_padding": st.sampled_from([0, 1, 3, -5, 2**62]),
        "batch_size_after_padding": st.sampled_from([0, 1, 3, 4, -5, 2**62]),
        "kernel_type": st.sampled_from(["BatchFunction", "ReduceDataset", "Other"]),
        "correlation_id": _identifier,
        "model_id": st.sampled_from(["m:1", "n:2"]),
    },
)


@st.composite
def rubbish(draw: st.DrawFn) -> Trace:
    """Events of serving names at any time, on any line, with any ids."""
    trace = Trace()
    for _ in range(draw(st.integers(1, 25))):
        start = draw(st.integers(0, 60))
        event = (
            draw(st.sampled_from(NAMES)),
            start,
            start + draw(st.integers(0, 60)),
            draw(_stats),
        )
        trace.add(draw(st.sampled_from(LINES)), event)
    if draw(st.booleans()):
        for _ in range(draw(st.integers(1, 4))):
            start = draw(st.integers(0, 60))
            stats: dict[str, int | str] = {"correlation_id": draw(_identifier)}
            event = ("kernel", start, start + draw(st.integers(0, 30)), stats)
            trace.device.setdefault(draw(st.sampled_from(["Stream #1", "Steps"])), []).append(event)
    return trace


@dataclass
class Server:
    """What a plausible server did, built step by step."""

    draw: st.DrawFn
    trace: Trace = field(default_factory=Trace)
    step: int = 0

    def gap(self, most: int = 40) -> int:
        """A length of time in us, with room for an event inside."""
        return self.draw(st.integers(3, most))

    def run(self, line: str, begin: int, root: str, *, after: int = 0) -> int:
        """A step with two bursts and ops; returns its end, at which the caller closes it.

        The step may call a function, run a helper graph, and wait for a tf.data op.
        """
        self.step += 1
        step = self.step
        pool = f"tf_Compute/{step}"
        first = begin + self.gap()
        middle = first + self.gap()
        second = middle + self.gap()
        last = second + self.gap()
        ids: dict[str, int | str] = {"id": step, "_c": step}
        self.trace.add(pool, (ev.EXECUTOR_PROCESS, first, middle, ids))
        self.trace.add(pool, ("d:DecodeJpeg", first + 1, middle - 1, {}))
        self.trace.add(pool, (ev.EXECUTOR_PROCESS, second, last, ids))
        self.trace.add(pool, ("m:MatMul", second + 1, last - 1, {}))
        self._inner_work(pool, step, first, second)
        if self.draw(st.booleans()):
            launch: dict[str, int | str] = {"correlation_id": step}
            self.trace.add(pool, ("kernel", second, second + 1, launch))
            stream = self.trace.device.setdefault("Stream #1(Compute)", [])
            stream.append(("kernel", last, last + self.gap(), launch))
            last += 41
        end = last + self.gap() + after
        if root == ev.FUNCTION_RUN:
            self.trace.add(line, (root, begin, begin + 1, {"id": step, "_p": step}))
            self.trace.add(pool, (ev.EXECUTOR_DONE_CALLBACK, end, end + 60, {"_c": step}))
        else:
            self.trace.add(line, (root, begin, end, {"id": step, "_p": step}))
        return end

    def _inner_work(self, pool: str, step: int, first: int, second: int) -> None:
        """Work of a step on other threads: a nested function, a tf.data op with a helper graph."""
        if self.draw(st.booleans()):
            me: dict[str, int | str] = {"id": 5000 + step, "_p": 5000 + step}
            self.trace.add(pool, (ev.FUNCTION_RUN, first + 1, first + 2, me))
            thread = f"tf_Compute/inner-{step}"
            inner: dict[str, int | str] = {"id": 5000 + step, "_c": 5000 + step}
            self.trace.add(thread, (ev.EXECUTOR_PROCESS, first + 2, second - 1, inner))
            if self.draw(st.booleans()):
                self.trace.add(thread, (ev.EXECUTOR_DONE_CALLBACK, second, second, inner))
        if self.draw(st.booleans()):
            data = f"tf_data/{step}"
            self.trace.add(
                data, ("ReduceDatasetOp::DoCompute", first + 1, second - 1, {"id": step})
            )
            helper: dict[str, int | str] = {"id": -1, "_c": -1}
            self.trace.add(data, (ev.EXECUTOR_PROCESS, first + 2, second - 2, helper))


@st.composite
def servers(draw: st.DrawFn) -> Trace:
    """A few requests, batched by a session, in the graph, or not at all; some of them cut off."""
    server = Server(draw)
    clock = 0
    base = 7 << 32
    for number in range(draw(st.integers(1, 4))):
        clock += server.gap(200)
        mode = draw(st.sampled_from(["plain", "session", "function", "unmarked function"]))
        if mode == "plain":
            server.run(f"grpc-{number}", clock, ev.SESSION_RUN)
            continue
        members = draw(st.integers(1, 3))
        batch_id = base + number
        taken = clock + 100 + server.gap()
        merged = taken + server.gap()
        thread = f"batch_threads_/{draw(st.integers(1, 2))}-{number}"
        inner = ev.SESSION_RUN if mode == "session" else ev.FUNCTION_RUN
        done = server.run(thread, merged, inner)
        ended = done + 50 + server.gap()
        batch: dict[str, int | str] = {
            "_ct": 4,
            "_c": batch_id,
            "batch_size_before_padding": members,
        }
        if draw(st.integers(0, 9)):
            server.trace.add(thread, (ev.PROCESS_BATCH, taken, ended, batch))
        for member in range(members):
            begin = clock + member * 20
            line = f"grpc-{number}-{member}"
            task: dict[str, int | str] = {"size": 1, "_pt": 4, "_p": batch_id}
            root = ev.BATCHING_SESSION_RUN if mode == "session" else ev.SESSION_RUN
            if mode == "session":
                server.trace.add(line, (ev.SCHEDULE_OUTPUT_TASK, begin + 5, begin + 6, task))
                whole = (root, begin, ended + 5, {})
            else:
                server.step += 1
                me = server.step
                ids: dict[str, int | str] = {"id": me, "_c": me}
                marked = mode == "function"
                start: dict[str, int | str] = {"_p": 1000 + me, "kernel_type": "BatchFunction"}
                pool = f"tf_Compute/{me}"
                server.trace.add(pool, (ev.EXECUTOR_PROCESS, begin + 1, begin + 9, ids))
                if marked:
                    server.trace.add(pool, (ev.PROCESS_ASYNC_START, begin + 4, begin + 8, start))
                server.trace.add(pool, (ev.SCHEDULE_OUTPUT_TASK, begin + 5, begin + 6, task))
                finish = done + 10 + member
                end: dict[str, int | str] = {"_c": 1000 + me}
                if marked:
                    server.trace.add(pool, (ev.PROCESS_ASYNC_DONE, finish, finish + 1, end))
                server.trace.add(pool, (ev.EXECUTOR_PROCESS, finish + 2, finish + 9, ids))
                whole = (root, begin, ended + 5, {"id": me, "_p": me})
            if draw(st.integers(0, 9)):
                server.trace.add(line, whole)
    return server.trace
