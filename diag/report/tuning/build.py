"""Tuning → TuningReport."""

from __future__ import annotations

from typing import TYPE_CHECKING

from diag.model.availability import Unavailable
from diag.prediction.metrics import METRICS
from diag.report.build import clean, server_of, title_of
from diag.report.tuning.model import (
    TUNING_SCHEMA_VERSION,
    EstimatePart,
    EstimatesPart,
    MissPart,
    NumbersPart,
    SelfCheckPart,
    SettingPart,
    TuningReport,
)
from diag.report.tuning.sections import tuning_sections
from diag.report.tuning.words import tuning_sentence
from diag.tuning.parameters import before_and_after
from diag.version import __version__

if TYPE_CHECKING:
    from diag.prediction.metrics import Metrics
    from diag.prediction.replicates import Estimates
    from diag.tuning import Tuning


def build_tuning(tuning: Tuning) -> TuningReport:
    """Everything that can be shown of a tuning."""
    prediction = tuning.prediction
    report = TuningReport(
        schema_version=TUNING_SCHEMA_VERSION,
        diag_version=__version__,
        title=title_of(server_of(tuning.capture, tuning.models)),
        source=tuning.capture.name,
        sentence=tuning_sentence(tuning),
        clients=tuning.clients,
        rate=tuning.rate,
        settings=_settings(tuning),
        today=_estimates(tuning.today),
        prediction=_missing(prediction)
        if isinstance(prediction, Unavailable)
        else _estimates(prediction),
        self_check=SelfCheckPart(
            measured=_numbers(tuning.self_check.measured),
            simulated=_numbers(tuning.self_check.simulated),
            ok=tuning.self_check.ok,
            misses=tuple(MissPart(*item) for item in tuning.self_check.misses.items()),
        ),
        objective=tuning.objective,
        headroom_today_per_s=tuning.headroom_today_per_s,
        headroom_per_s=tuning.headroom_per_s,
        extrapolated_rows=tuning.extrapolated_rows,
        assumed=tuning.assumed,
        sections=tuple(tuning_sections(tuning)),
    )
    return clean(report)


def _estimates(estimates: Estimates) -> EstimatesPart:
    return EstimatesPart(
        **{
            name: EstimatePart(estimates[name].value, estimates[name].low, estimates[name].high)
            for name in METRICS
        }
    )


def _missing(reason: Unavailable) -> EstimatesPart:
    return EstimatesPart(**{name: EstimatePart(reason, reason, reason) for name in METRICS})


def _numbers(metrics: Metrics) -> NumbersPart:
    return NumbersPart(**{name: getattr(metrics, name) for name in METRICS})


def _settings(tuning: Tuning) -> tuple[SettingPart, ...]:
    found = []
    for queue in range(len(tuning.settings.queues)):
        fields = before_and_after(tuning.settings, tuning.proposed, queue)
        found += [SettingPart(name, queue, now, to) for name, (now, to) in fields.items()]
    return tuple(found)
