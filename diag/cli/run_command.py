"""``diag run``: runs a Python program, records it once, and writes a bundle."""

from __future__ import annotations

from pathlib import Path

import click

import diag
from diag.cli.console import verbosity
from diag.cli.option_groups import GroupedCommand, argument, option, option_group
from diag.cli.options import examples, verbosity_options
from diag.cli.output import force_option
from diag.cli.quantities import Duration, Size

_program = option_group(
    "Program",
    argument("command", nargs=-1, required=True, type=click.UNPROCESSED),
)
_recording = option_group(
    "Recording",
    option(
        "-d",
        "--duration",
        type=Duration(),
        default="5s",
        show_default=True,
        help="Length of the recording, 100ms to 60s.",
    ),
    option(
        "--warmup",
        type=Duration(),
        default="1s",
        show_default=True,
        help="Time from the first repeated work to the recording.",
    ),
    option(
        "--host-tracer-level",
        type=int,
        metavar="1|2|3",
        default=2,
        show_default=True,
        help="Detail of the CPU trace. 1: model calls; 2: also tf.data stages and ops; "
        "3: every op.",
    ),
    option("--no-device-trace", is_flag=True, help="Do not trace GPUs."),
    option(
        "--max-bytes",
        type=Size(),
        default="512MB",
        show_default=True,
        help="Largest predicted size of the trace; the recording is shortened to fit.",
    ),
)
_bundle = option_group(
    "Bundle",
    option(
        "-o",
        "--output",
        type=click.Path(path_type=Path),
        metavar="PATH",
        help="Bundle to write: a zip file if it ends in .zip, else a folder. Default: a folder "
        "named by the time.",
    ),
    force_option,
)


@click.command(
    cls=GroupedCommand,
    context_settings={"allow_interspersed_args": False},
    epilog=examples(
        "diag run -- python serve.py --port 8000",
        "diag run -o loop.zip --duration 10s -- python -m myserver",
        "diag run -o loop.zip -- gunicorn -w 4 app:app",
    ),
)
@_program
@_recording
@_bundle
@verbosity_options
def run(
    command: tuple[str, ...],
    duration: int,
    warmup: int,
    host_tracer_level: int,
    no_device_trace: bool,
    max_bytes: int,
    output: Path | None,
    force: bool,
) -> None:
    """Run a Python program with TensorFlow or JAX and record it once.

    COMMAND is the program with its arguments, after --. The recording starts when the program
    repeats its work. It holds the profiler's trace, samples of Python's stacks, and samples of CPU
    and GPUs. The program keeps its input, output, signals and exit status; diag writes to stderr
    only.
    """
    from diag.cli.capture_progress import choose_progress

    progress = choose_progress(verbosity())
    plan = diag.RunPlan(duration, warmup, host_tracer_level, not no_device_trace, max_bytes)
    outcome = diag.run_program(command, output, plan, progress=progress, force=force)
    if outcome.path is None:
        progress.say(f"nothing recorded: {outcome.reason}")
    if outcome.status:
        click.get_current_context().exit(outcome.status)
