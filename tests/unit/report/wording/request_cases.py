"""Caveats about requests: code, facts, and the sentence to the letter."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from diag.model.caveat import Fact

REQUEST_CASES: list[tuple[str, tuple[tuple[str, Fact], ...], str]] = [
    (
        "refusals-not-recorded",
        (("empty_count", 40), ("requests_count", 1200)),
        (
            "40 of 1,200 requests ran no op that the trace shows, in a process with batch threads. "
            "Before TensorFlow 2.15 a call that an in-graph batcher refuses leaves no event and "
            "looks like that: these requests may have failed."
        ),
    ),
    (
        "model-loaded",
        (("loaded", ("m version 2",)), ("before", ("m version 1",)), ("runs_count", 52)),
        (
            "The server loaded m version 2 during the recording (before: m version 1). 52 runs "
            "load or warm up a model: they are no requests."
        ),
    ),
    (
        "many-censored",
        (("cut_count", 12), ("whole_count", 1234)),
        (
            "12 requests began before the window or ended after it and are left out; 1,234 were "
            "recorded whole."
        ),
    ),
    (
        "ambiguous-batch-id",
        (("tasks_count", 1),),
        (
            "1 task joined the first batch of a queue, whose id 0 several queues share: the "
            "requests of these tasks are incomplete."
        ),
    ),
]
