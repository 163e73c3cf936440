"""Recordings of the demo's scenarios, kept under build/: a benchmark that was ended goes on."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from diag.capture.progress import NoProgress
from diag.demo.client_log import FILE_NAME
from diag.demo.recording import RecordedScenario, RecordingOptions, record_scenario
from diag.demo.truth import read_truth

if TYPE_CHECKING:
    from diag.demo.scenario import Scenario

# The latency around the capture is another benchmark's (overhead).
_OPTIONS = RecordingOptions(before_s=0.5, after_s=0.5)
FOLDER = Path(__file__).parent.parent / "build" / "demo-recordings"


def recorded(scenario: Scenario, number: int) -> RecordedScenario:
    """One recording of a scenario: made now, unless build/ has it from an earlier call.

    Remove ``build/demo-recordings``, or the folder of the scenario in it, to record again.

    Args:
        scenario: The scenario.
        number: Which recording, from 0 on.
    """
    folder = FOLDER / scenario.name / str(number)
    if not folder.exists():
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=FOLDER, ignore_cleanup_errors=True) as temporary:
            unfinished = Path(temporary) / "run"
            unfinished.mkdir()
            record_scenario(scenario, unfinished, _OPTIONS, NoProgress())
            unfinished.rename(folder)
    facts, truths = read_truth(folder / "truth.json")
    return RecordedScenario(scenario, folder / "bundle", (), facts, truths, folder / FILE_NAME)
