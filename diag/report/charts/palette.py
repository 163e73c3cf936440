"""The colours: one phenomenon has one colour, as a stage of a request and as a cause of idle time.

Cool: the device works. Warm: someone waits for input. Plum: work on its way. Grey: bookkeeping or
unknown. No demand is drawn as nothing. A hatched class is the lesser relative of its hue.
``tests/unit/report/charts/test_palette.py`` holds every pair of colours to WCAG contrasts.
"""

from __future__ import annotations

from dataclasses import dataclass

from diag.model.gaps import IdleCause
from diag.model.loops import LoopStage
from diag.model.serving import CloseReason, Stage

BUSY = "busy"
UNKNOWN_CLASS = "unk"


@dataclass(frozen=True, slots=True)
class Hue:
    """A fill and the text on it, as #rrggbb, in both themes."""

    light: str
    on_light: str
    dark: str
    on_dark: str


HUES: dict[str, Hue] = {
    "busy": Hue("#2f5bbd", "#ffffff", "#5684f7", "#050b1a"),
    "copy": Hue("#158fd0", "#04141d", "#6adaf3", "#04141d"),
    "prep": Hue("#bf4d22", "#ffffff", "#f08a4b", "#1c0b00"),
    "fill": Hue("#c08c00", "#1f1600", "#ecd05a", "#1f1600"),
    "thread": Hue("#6d0f33", "#ffffff", "#dd2a35", "#ffffff"),
    "hand": Hue("#86407c", "#ffffff", "#c192c6", "#1a0a1d"),
    "glue": Hue("#757b84", "#0b0e12", "#6d7d8a", "#000000"),
    "none": Hue("#ffffff", "#14181f", "#12161c", "#e8ecf1"),
}
# Page, text, lines and links, by theme.
SURFACE = {
    "light": {
        "bg": "#ffffff",
        "panel": "#f6f7f9",
        "ink": "#14181f",
        "mute": "#56606e",
        "line": "#dde1e7",
        "edge": "#868f9b",
        "link": "#1f55c4",
        "hatch": "rgba(255,255,255,.55)",
    },
    "dark": {
        "bg": "#12161c",
        "panel": "#1a2027",
        "ink": "#e8ecf1",
        "mute": "#9aa6b5",
        "line": "#2b333d",
        "edge": "#7d8896",
        "link": "#8ab4ff",
        "hatch": "rgba(0,0,0,.5)",
    },
}
HATCHED = {"wait": "busy", "ingress": "prep", "pool": "thread", "hand2": "hand", "unk": "glue"}
# Stages, states of a device and reasons to start a batch share names where they share a colour.
_CLASSES: dict[str, str] = {
    BUSY: "busy",
    Stage.COMPUTE.value: "busy",
    Stage.TRANSFER_IN.value: "copy",
    Stage.TRANSFER_OUT.value: "copy",
    Stage.DEVICE_WAIT.value: "wait",
    Stage.PREPROCESS.value: "prep",
    IdleCause.INGRESS.value: "ingress",
    Stage.QUEUE_FILL.value: "fill",
    Stage.QUEUE_THREAD.value: "thread",
    IdleCause.BATCH_THREADS_IN_HOST_WORK.value: "thread",
    Stage.QUEUE_EXECUTOR.value: "pool",
    Stage.LAUNCH.value: "hand",
    IdleCause.TRANSFER.value: "hand",
    IdleCause.ALLOCATOR.value: "hand",
    IdleCause.COLD_START.value: "hand",
    Stage.QUEUE_DISPATCH.value: "hand2",
    Stage.POSTPROCESS.value: "hand2",
    IdleCause.SYNC_OR_OUTPUT.value: "hand2",
    IdleCause.MODEL_LOAD.value: "hand2",
    IdleCause.PROFILER.value: "hand2",
    IdleCause.THROTTLED.value: "hand2",
    Stage.SCHEDULE.value: "glue",
    Stage.BATCH_FORMATION.value: "glue",
    Stage.BATCH_SPLIT.value: "glue",
    Stage.UNATTRIBUTED.value: "unk",
    IdleCause.TRACE_EDGE.value: "unk",
    IdleCause.UNEXPLAINED.value: "unk",
    IdleCause.NO_DEMAND.value: "none",
    LoopStage.REQUEST_WAIT.value: "none",
    LoopStage.REQUEST_READ.value: "copy",
    LoopStage.RESULT_WAIT.value: "fill",
    LoopStage.INPUT_WAIT.value: "fill",
    LoopStage.INPUT_FETCH.value: "copy",
    LoopStage.CONVERT.value: "glue",
    LoopStage.TRACING.value: "hand",
    LoopStage.DISPATCH.value: "hand2",
    LoopStage.MODEL.value: "busy",
    LoopStage.NOT_KNOWN.value: "unk",
    CloseReason.SIZE.value: "busy",
    CloseReason.TIMEOUT.value: "fill",
    CloseReason.THREAD.value: "thread",
    CloseReason.UNKNOWN.value: "unk",
}
# From the bottom of a column of the device's lane upwards; what is left of it is empty.
ORDER = (
    "busy",
    "wait",
    "copy",
    "prep",
    "ingress",
    "fill",
    "thread",
    "pool",
    "hand",
    "hand2",
    "glue",
    "unk",
)
# How sure the cause of idle time is, and how opaque it is drawn.
SURE = {"high": 1.0, "medium": 0.7, "low": 0.45}


def sure_index(level: str) -> int:
    """Index into ``SURE``; busy time, which has no level, is drawn as what is sure."""
    return list(SURE).index(level) if level in SURE else 0


def class_of(name: str) -> str:
    """The colour class of a stage, state or reason; that of the unknown for any other name."""
    return _CLASSES.get(name, UNKNOWN_CLASS)


def variables(*, dark: bool) -> str:
    """CSS declarations of the fills (``--busy``) and of the text on them (``--on-busy``)."""
    out = []
    for name, hue in HUES.items():
        out.append(f"--{name}:{hue.dark if dark else hue.light}")
        out.append(f"--on-{name}:{hue.on_dark if dark else hue.on_light}")
    return ";".join(out)


def class_rules() -> str:
    """CSS that gives each class its fill: a variable, or a hatch of the page's ``HATCH_DEFS``."""
    plain = [f".c-{name}{{fill:var(--{name})}}.on-{name}{{fill:var(--on-{name})}}" for name in HUES]
    plain += [f".q-{name}{{fill-opacity:{value}}}" for name, value in SURE.items() if value < 1]
    plain.append(".c-edge{fill:var(--edge);fill-opacity:.45}.unrecorded{fill:var(--line)}")
    hatched = [
        f".c-{name}{{fill:url(#h-{name})}}.on-{name}{{fill:var(--on-{base})}}"
        for name, base in HATCHED.items()
    ]
    return "".join([*plain, *hatched])


def resolved(style: str) -> str:
    """CSS with the light theme's values in place of the variables, for what knows no variables."""
    for name, hue in HUES.items():
        style = style.replace(f"var(--{name})", hue.light)
        style = style.replace(f"var(--on-{name})", hue.on_light)
    for name, value in SURFACE["light"].items():
        style = style.replace(f"var(--{name})", value)
    return style


def is_colored(name: object) -> bool:
    """Whether the name is a stage, state or reason with a colour of its own."""
    return name in _CLASSES
