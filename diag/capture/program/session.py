"""One run of a program, with one recording of it."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from diag.capture.disk_space import size_text
from diag.capture.plan import MS, SECOND
from diag.capture.program.launch import Program
from diag.capture.program.plan import DURATION_MIN_NS, ProgramSamples, RunOutcome
from diag.capture.program.recorded_process import (
    Announcements,
    ProcessEndedError,
    RecordingFailedError,
)
from diag.capture.program.result import write_program
from diag.capture.program.wait import ProgramWait
from diag.capture.progress import as_progress
from diag.capture.samplers.host.reader import HostReader
from diag.capture.samplers.nvml import open_gpu_reader
from diag.capture.samplers.process_names import with_process_names
from diag.capture.samplers.sampler import Sampler
from diag.capture.server.local_server import LocalServer
from diag.capture.session import default_output
from diag.errors import XSpaceDecodeError
from diag.formats.bundle.writer import BundleWriter
from diag.model.availability import Unavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from diag.capture.program.plan import RunPlan
    from diag.capture.program.recorded_process import ProgramRecording, RecordedProcess
    from diag.capture.progress import Progress

_TRIAL_NS = 200 * MS
_GPU_PERIOD_NS = SECOND // 20
_TICK_S = 0.05
_END_S = 5.0  # for the kernel to end a process whose socket is closed


def run_program(
    command: Sequence[str],
    output: Path | None,
    plan: RunPlan,
    *,
    progress: Progress | Callable[[str], object] | None = None,
    force: bool = False,
) -> RunOutcome:
    """Run a Python program to its end, record it once, and write a bundle.

    The program has this process's stdin, stdout, stderr, environment and signals. The bundle is
    written as soon as the recording is made; the program goes on.

    Args:
        command: The program and its arguments, such as ``["python", "serve.py"]``.
        output: Path of the bundle: a zip if it ends in ``.zip``, else a folder. None writes the
            folder ``diag-<UTC time>`` in the current directory.
        plan: What to record.
        progress: A Progress, or a function that takes one line of text.
        force: Whether to replace an existing bundle.

    Raises:
        UsageError: The program cannot be started.
        OutputError: The bundle cannot be written. If it was known before, nothing was started.
    """
    reports = as_progress(progress)
    destination = Path(default_output()) if output is None else output
    with BundleWriter(destination, force=force) as writer, tempfile.TemporaryDirectory() as private:
        announced = Announcements(Path(private))
        try:
            with Program(command, announced.path) as program:
                reason = _recorded(program, announced, writer, plan, reports)
                path = None if reason else writer.path
                status = program.status()
        finally:
            announced.close()
    return RunOutcome(path, reason, status)


def _recorded(
    program: Program,
    announced: Announcements,
    writer: BundleWriter,
    plan: RunPlan,
    progress: Progress,
) -> str:
    """Record and write the bundle; why that was not possible, or ""."""
    progress.say(f"running {program.name}; recording once its work repeats")
    wait = ProgramWait(program, announced, progress)
    process = wait.find()
    announced.close()  # no other process waits for an answer from now on
    if process is None:
        return wait.reason
    try:
        if not _warmed_up(program, plan):
            return "it ended during the warm-up"
        duration_ns = _fitting(process, plan, progress)
        progress.say(f"recording process {process.pid} for {duration_ns / SECOND:g} s")
        samples = ProgramSamples()
        with program.recording(process.end_early):
            recording = _sampled(process, duration_ns, plan, samples)
        if not recording.xspace:
            return "its profiler wrote no trace"
        write_program(writer, program.name, process, recording, samples, plan)
    except ProcessEndedError:
        is_child = process.pid == program.pid
        how = program.how_it_ended(_END_S) if is_child else f"process {process.pid} ended"
        return f"{how} before the data of the recording was written"
    except RecordingFailedError as exc:
        return str(exc)
    except XSpaceDecodeError as exc:
        return f"the trace cannot be decoded: {exc.message}"
    finally:
        process.close()
    progress.say(f"wrote {writer.path} ({size_text(len(recording.xspace))} of trace)")
    progress.say(f"next: diag analyze {writer.path}")
    if not program.has_ended():
        progress.say(f"{program.name} goes on; this command ends with it")
    return ""


def _warmed_up(program: Program, plan: RunPlan) -> bool:
    """Let the program run on; False if it ended."""
    end_ns = time.monotonic_ns() + plan.warmup_ns
    while time.monotonic_ns() < end_ns:
        if program.has_ended():
            return False
        time.sleep(_TICK_S)
    return True


def _fitting(process: RecordedProcess, plan: RunPlan, progress: Progress) -> int:
    """The planned length, or what is predicted to fit into the limit."""
    trial = process.record(_TRIAL_NS, plan.level, device=plan.device_trace, stacks=False)
    expected_bytes = len(trial.xspace) * plan.duration_ns // _TRIAL_NS
    progress.say(f"expecting about {size_text(expected_bytes, 2)} of trace")
    if expected_bytes <= plan.max_bytes:
        return plan.duration_ns
    return max(DURATION_MIN_NS, plan.duration_ns * plan.max_bytes // expected_bytes)


def _sampled(
    process: RecordedProcess, duration_ns: int, plan: RunPlan, samples: ProgramSamples
) -> ProgramRecording:
    readers = {
        "host": HostReader(LocalServer(process.pid)),
        "gpu": with_process_names(open_gpu_reader(_GPU_PERIOD_NS), process.pid),
    }
    samplers = {}
    for source, reader in readers.items():
        if isinstance(reader, Unavailable):
            samples.series[source] = reader
        else:
            samplers[source] = Sampler(reader)
    try:
        for sampler in samplers.values():
            sampler.start()
        recording = process.record(duration_ns, plan.level, device=plan.device_trace, stacks=True)
    finally:
        for source, sampler in samplers.items():
            samples.series[source] = sampler.stop()
            samples.reading_ns[source] = sampler.read_max_ns
    return recording
