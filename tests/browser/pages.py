"""Pages of every kind: servers with and without GPU, a loop, a comparison, hostile names."""

from __future__ import annotations

import functools
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import diag
from diag.analysis import analyze
from diag.formats.source import open_bundle
from diag.formats.trace.capture import capture_from_trace
from diag.report.build import build_report
from diag.report.rendering import render
from diag.testing.gpu_server import SCENARIOS, simulate
from diag.testing.space_builder import SpaceBuilder
from tests.conftest import sample_path
from tests.support.hostile_bundle import hostile_bundle
from tests.unit.analysis.loops.programs import LOADING, analyzed_program, dataset, every_ms

if TYPE_CHECKING:
    from diag.analysis import Analysis
    from diag.report.model import Report

PLANTED = "window.planted = true"
# What runs script where a page takes a name for markup, in a place or in a link.
HOSTILE = (
    f"</script><script>{PLANTED}</script>",
    f"\"'><img src=x onerror={PLANTED.replace(' ', '')}>",
    f"javascript:{PLANTED.replace(' ', '')}",
    f"<svg onload={PLANTED.replace(' ', '')}>",
    "\x1b[31mred\x1b]0;title\x07",
    "abc\u202edcb\u200b\u2066",
    "]]><!--<script>",
    "n" * 10_000,
    "bad\udce8\udcff",
    "{{ 7 * 7 }} ${7 * 7} `x`",
)


@functools.cache
def server_report() -> Report:
    """A recorded server without a GPU, with samples of its host."""
    return build_report(analyze(open_bundle(sample_path("demo-slow-preprocess") / "bundle.zip")))


@functools.cache
def gpu_report() -> Report:
    """A simulated server with two GPUs."""
    return build_report(analyze(simulate(SCENARIOS["mixed, two GPUs"].plan, seed=1).capture()))


def loop_report() -> Report:
    return build_report(analyzed_program(dataset(10, 3000), every_ms(52_000, LOADING)))


def hostile_report() -> Report:
    """A trace whose threads, ops and devices have hostile names, and models as well."""
    space = SpaceBuilder()
    space.environment({"profile_start_time": 1_700_000_000_000_000_000})
    host, ms = space.plane("/host:CPU"), 1_000_000
    for index, name in enumerate(HOSTILE):
        text = name.encode("utf-8", "replace").decode()
        line = host.line(text, timestamp_ns=0)
        for start in range(0, 100, 10):
            begin = (start + index) * ms
            line.event("SessionRun", begin, begin + 5 * ms, {"id": index * 100 + start + 1})
            line.event(f"{text}:MatMul", begin, begin + 4 * ms)
    for name in HOSTILE[:4]:
        device = space.plane(f"/device:GPU:{name}").line("Stream #1", timestamp_ns=0)
        device.event(f"kernel {name}", 0, 3 * ms)
    return build_report(analyze(capture_from_trace(HOSTILE[0], space.build(), HOSTILE[0])))


def hostile_models() -> Report:
    """The recorded server, with models, queues and ops of hostile names."""
    analysis = analyze(open_bundle(sample_path("demo-slow-preprocess") / "bundle.zip"))
    model = "".join(HOSTILE)
    requests = replace(analysis.requests, models=(model,))
    queues = tuple(replace(each, model=HOSTILE[0]) for each in analysis.queues)
    models = tuple(replace(each, model=model) for each in analysis.models)
    tails = tuple(replace(each, model=model) for each in analysis.tails)
    timelines = tuple(replace(each, name=HOSTILE[1]) for each in analysis.timelines)
    idle = tuple(replace(each, timeline=timelines[0]) for each in analysis.idle)
    ops = tuple(replace(each, op_type=HOSTILE[3]) for each in analysis.ops)
    capture = replace(analysis.capture, name=HOSTILE[0])
    return build_report(
        replace(
            analysis,
            capture=capture,
            requests=requests,
            queues=queues,
            models=models,
            tails=tails,
            timelines=timelines,
            idle=idle,
            ops=ops,
        )
    )


@functools.cache
def hostile_recording() -> Analysis:
    """A real recording, rewritten, in a file of a hostile name."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"{HOSTILE[1].replace('/', '')}.zip"
        path.write_bytes(hostile_bundle(sample_path("demo-slow-preprocess") / "bundle.zip"))
        return analyze(open_bundle(path))


def hostile_comparison() -> str:
    compared = diag.compare([hostile_recording()], [hostile_recording()])
    return diag.render(diag.build_comparison(compared), "html", verbose=True)


def comparison() -> str:
    """Of recordings of different length."""
    captures = [
        diag.open_bundle(sample_path("demo-slow-preprocess") / "bundle.zip"),
        diag.open_bundle(sample_path("batch-timeout") / "server.xplane.pb"),
    ]
    analyses = [diag.analyze(capture) for capture in captures]
    compared = diag.compare(analyses[:1], analyses[1:])
    return diag.render(diag.build_comparison(compared), "html")


PAGES = {
    "server": lambda: render(server_report(), "html"),
    "gpu": lambda: render(gpu_report(), "html"),
    "loop": lambda: render(loop_report(), "html", verbose=True),
    "comparison": comparison,
    "hostile trace": lambda: render(hostile_report(), "html", verbose=True),
    "hostile recording": lambda: render(build_report(hostile_recording()), "html", verbose=True),
    "hostile comparison": hostile_comparison,
    "hostile models": lambda: render(hostile_models(), "html", verbose=True),
}
