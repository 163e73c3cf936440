"""A Report holds what the Analysis and the findings say, and nothing that JSON cannot."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from diag.findings.without_requests import NOT_RECORDED
from diag.model.availability import Unavailable
from diag.model.caveat import Caveat, recorded_caveat
from diag.model.finding import Check, Remedy, RemedyKind, RemedyPlace, Tier
from diag.report.build import build_report
from diag.report.model import Report, Table
from tests.unit.report.factory import (
    MS,
    ORIGIN_UNIX_NS,
    make_analysis,
    make_capture,
    make_finding,
    make_report,
    make_rich_capture,
)

if TYPE_CHECKING:
    from diag.analysis.result import Analysis


def rows_by(table: Table, key: str) -> dict[object, dict[str, object]]:
    return {row[key]: dict(row) for row in table.rows}


def value_of(report: Report, table: str, key: str) -> object:
    """Of a table with a quantity a row."""
    return rows_by(report.table(table), "key")[key]["value"]


def test_groups_are_the_sums_of_their_stages():
    table = make_report().table("ledger")
    rows = rows_by(table, "stage")
    assert rows["request"]["share"] == 1.0
    assert rows["queue-fill"]["share"] == pytest.approx(8 / 12)
    assert rows["queue-fill"]["mean_ns"] == 8 * MS
    assert rows["compute"]["tail_ns"] == -0.5 * MS
    groups = [row for row, level in zip(table.rows, table.levels, strict=True) if level == 1]
    known = [row["share"] for row in groups if not isinstance(row["share"], Unavailable)]
    assert sum(known) == pytest.approx(1)


def test_a_stage_that_no_event_marks_is_unavailable_and_its_group_as_well():
    rows = rows_by(make_report().table("ledger"), "stage")
    assert rows["preprocess"]["known"] is False
    assert isinstance(rows["preprocess"]["share"], Unavailable)
    assert [key for key, row in rows.items() if not row["known"]] == ["preprocess"]


def test_a_sum_with_a_missing_part_is_missing_with_its_reason():
    analysis = make_analysis()
    model = analysis.models[0]
    why = Unavailable("too few requests")
    stages = tuple(replace(stage, tail_ns=why) for stage in model.stages)
    analysis = replace(analysis, models=(replace(model, stages=stages, tail_ns=why),))
    table = make_report(analysis).table("ledger")
    assert {row["tail_ns"] for row in table.rows if row["known"]} == {why}


def test_stages_without_time_are_details():
    table = make_report().table("ledger")
    details = [table.rows[i]["stage"] for i in table.detail_rows]
    assert {"queue-thread", "launch", "postprocess", "other"} <= set(details)
    assert "queue-fill" not in details
    assert "preprocess" not in details


def test_wall_clock_nanoseconds_are_strings_and_the_date_is_utc():
    server = make_report().server
    assert server.start_unix_ns == str(ORIGIN_UNIX_NS)
    assert server.start_utc == "2023-11-14T22:13:20.000Z"


@pytest.mark.parametrize("origin", [2**63 - 1, -(2**63), 0])
def test_a_start_time_from_a_hostile_trace_is_a_date_or_says_why_not(origin):
    capture = replace(make_capture(), origin_unix_ns=origin)
    server = make_report(make_analysis(capture=capture)).server
    assert isinstance(server.start_utc, str | Unavailable)
    assert server.start_unix_ns == str(origin)


def test_without_an_origin_the_reason_takes_its_place():
    why = Unavailable("the trace has no start time")
    capture = replace(make_capture(), origin_unix_ns=why)
    report = make_report(make_analysis(capture=capture))
    assert report.server.start_utc == report.server.start_unix_ns == why
    assert report.title == "trace server.xplane.pb · convnet · 100 ms"


def test_the_title_names_server_models_time_and_window():
    report = make_report(make_analysis(capture=make_rich_capture()))
    assert report.title == "capture.zip:8500 · convnet · 2023-11-14 22:13:20.000 UTC · 100 ms"
    assert report.server.address == "capture.zip:8500"


@pytest.mark.parametrize("target", [None, 3, {}, {"server": 3}, "x"])
def test_a_manifest_that_does_not_name_the_server_gives_the_name_of_the_source(target):
    capture = replace(make_capture("a.zip"), manifest={"target": target})
    report = make_report(make_analysis(capture=capture))
    assert report.title.startswith("trace a.zip · ")
    assert isinstance(report.server.address, Unavailable)


def test_of_many_models_the_title_names_three():
    analysis = make_analysis()
    names = tuple(f"m{i}" for i in range(5))
    analysis = replace(analysis, requests=replace(analysis.requests, models=names))
    analysis = replace(analysis, models=(), queues=(), tails=())
    assert " · m0, m1, m2, 2 more models · " in make_report(analysis).title


def test_gaps_come_with_their_number_and_their_longest_most_time_first():
    table = make_report().table("idle")
    assert [(row["cause"], row["pieces"], row["longest_ns"]) for row in table.rows] == [
        ("no-demand", 1, 50 * MS),
        ("queue-fill", 2, 20 * MS),
    ]
    assert [row["starvation"] for row in table.rows] == [False, True]
    assert sum(row["of_idle"] for row in table.rows) == pytest.approx(1)
    (overview,) = make_report().table("idle_overview").rows
    assert overview["busy_ns"] + overview["idle_ns"] == 100 * MS


def test_numbers_that_json_lacks_become_unavailable():
    analysis = make_analysis()
    queue = replace(analysis.queues[0], rows_mean=float("nan"), padding_ratio=float("inf"))
    (row,) = make_report(replace(analysis, queues=(queue,))).table("batches").rows
    assert row["rows_mean"] == row["padding"] == Unavailable("not a finite number")


def test_a_bundle_adds_samples_metrics_and_the_observer_effect():
    report = make_report(make_analysis(capture=make_rich_capture()))
    fields = rows_by(report.table("samples"), "field")
    assert (fields["cpu_percent"]["mean"], fields["cpu_percent"]["max"]) == (45.0, 100.0)
    notes = report.section("measurements").notes
    assert [note.text for note in notes] == ["gpu samples: no NVIDIA driver on this host"]
    (latency,) = report.table("server_latency").rows
    assert latency["outside_ns"] == 3 * MS
    assert [dict(row) for row in report.table("observer").rows] == [
        {"phase": "before", "measure": "calls", "value": 90, "unit": ""},
        {"phase": "before", "measure": "p50", "value": 4.0, "unit": "ms"},
        {"phase": "during", "measure": "p50", "value": 4.5, "unit": "ms"},
    ]
    assert [dict(row) for row in report.table("served_models").rows] == [
        {"model": "convnet", "version": 1, "state": "AVAILABLE"}
    ]


def test_a_bare_trace_says_why_there_is_nothing_beside_it():
    report = make_report()
    (note,) = report.section("measurements").notes
    assert note.text == "metrics, host samples, gpu samples: the source is no bundle"
    assert report.section("observer").notes[0].label == "n/a"


def test_findings_keep_every_field_and_say_why_there_is_no_gain():
    why = Unavailable("smaller batches could fill the threads")
    first = make_finding()
    report = make_report()
    assert report.findings[0].verify == first.verify
    assert report.findings[0].remedies == first.remedies
    assert (report.findings[0].gain, report.findings[0].gain_reason) == (first.gain, "")
    assert report.findings[0].docs == "docs/findings/batch-timeout-dominates.md"
    assert report.findings[0].tier == "request-time"
    (finding,) = build_report(make_analysis(), (replace(first, gain=why),)).findings
    assert (finding.gain, finding.gain_reason) == (None, why.reason)


def test_a_report_has_a_short_repr_and_can_be_compared_and_hashed():
    report = make_report()
    assert len(repr(report)) < 200
    assert repr(report).startswith("<Report trace server.xplane.pb · convnet")
    assert report == make_report()
    assert hash(report) == hash(make_report())
    assert report != make_report(n=3)


def test_settings_are_written_as_users_write_them():
    rows = rows_by(make_report().table("batching_parameters"), "parameter")
    assert rows["batch_timeout_micros"]["value"] == 10_000
    assert rows["batch_timeout_micros"]["origin"] == "estimated"
    assert rows["num_batch_threads"]["value"] == Unavailable("no batch ran")


def test_what_was_asked_for_and_is_not_there_is_a_key_error():
    with pytest.raises(KeyError):
        make_report().table("nothing")
    with pytest.raises(KeyError):
        make_report().section("nothing")


def test_counts_tell_what_is_left_out():
    (note,) = make_report().section("requests").notes
    assert note.text == (
        "2 complete. 1 without all links (left out below). 4 failed before they joined a batch. "
        "1 request and 1 batch incomplete at the window's edges."
    )
    assert {fact.key: fact.value for fact in note.facts} == {
        "complete": 2,
        "partial": 1,
        "refused": 4,
        "requests_cut": 1,
        "batches_cut": 1,
    }


def labels_of(report: Report) -> dict[str, str]:
    """Of the summary."""
    summary = [section for section in report.sections if section.is_summary]
    return {note.label: note.text for section in summary for note in section.notes if note.label}


def test_a_healthy_server_needs_no_change():
    labels = labels_of(build_report(make_analysis(), ()))
    assert labels["change"] == "none: no rule found a cause of lost time."
    assert list(labels) == ["confidence", "change"]


def test_another_capture_has_no_gain_and_nothing_to_undo():
    remedy = Remedy(RemedyKind.CAPTURE, RemedyPlace.CAPTURE_COMMAND, "Capture for longer.")
    check = Check("requests.complete", "requests", 0.0, low=1)
    finding = replace(
        make_finding(),
        remedies=(remedy,),
        gain=Unavailable("no request"),
        verify=(check,),
        rollback="",
    )
    labels = labels_of(build_report(make_analysis(), (finding,)))
    assert list(labels) == ["confidence", "change", "verify"]
    assert labels["change"] == "Capture for longer. Where: diag capture."
    assert labels["verify"].endswith(": complete requests rise to 1 or more (now 0).")


def test_that_no_request_is_recorded_is_said_once():
    why = Unavailable("the trace shows work but no request")
    analysis = make_analysis()
    counts = replace(analysis.counts, requests=why, complete=why)
    caveat = Caveat("unbatched-not-recorded", ())
    analysis = replace(analysis, counts=counts, models=(), caveats=(caveat,))
    report = build_report(analysis)
    assert report.verdict.id == NOT_RECORDED
    assert [section.id for section in report.sections if section.id == "requests"] == []
    assert [note.text for note in report.section("doubts").notes] == ["None."]
    assert [part.code for part in report.caveats] == ["unbatched-not-recorded"]


def test_what_brings_no_time_back_says_why_not():
    finding = replace(make_finding(), gain=Unavailable("it needs a simulation"))
    labels = labels_of(build_report(make_analysis(), (finding,)))
    assert labels["gain"] == "not computed: it needs a simulation."


def rich_analysis(cpu_percent: float = 99.0, server_percent: float = 107.0) -> Analysis:
    """Of a host with two cores, both as busy as given."""
    sample = {
        "unix_ns": ORIGIN_UNIX_NS,
        "cpu_percent": [cpu_percent, cpu_percent],
        "server_cpu_percent": server_percent,
    }
    units = {"cpu_percent": "%", "server_cpu_percent": "% of one core"}
    capture = make_rich_capture()
    series = replace(capture.host_samples, samples=(sample,), units=units, missing={})
    return make_analysis(capture=replace(capture, host_samples=series))


def test_a_busy_host_is_the_first_line_of_the_measurements():
    note = make_report(rich_analysis()).section("measurements").notes[0]
    assert note.label == "host CPU"
    assert note.text == "99.0% busy on average (2 cores); the server used 1.07 cores"
    assert {fact.key: fact.value for fact in note.facts} == {
        "busy": pytest.approx(0.99),
        "cores": 2,
        "server": pytest.approx(1.07),
    }


def test_a_host_with_free_cores_is_not():
    notes = make_report(rich_analysis(84.9)).section("measurements").notes
    assert [note.label for note in notes] == ["missing"]


def test_what_a_caveat_says_is_missing_is_not_said_again():
    analysis = make_analysis(capture=make_rich_capture())
    caveat = recorded_caveat("no-gpu", "Without GPU samples: no NVIDIA driver on this host.")
    report = make_report(replace(analysis, caveats=(caveat,)))
    assert report.section("measurements").notes == ()
    report = make_report(replace(make_analysis(), caveats=(Caveat("bare-trace", ()),)))
    assert report.section("measurements").notes == ()


def answered(responses: dict[str, int]) -> Report:
    analysis = make_analysis(capture=make_rich_capture())
    assert not isinstance(analysis.metrics, Unavailable)
    metrics = tuple(replace(item, responses=responses) for item in analysis.metrics)
    return make_report(replace(analysis, metrics=metrics))


def test_more_answers_than_requests_are_explained():
    (note,) = answered({"OK": 9}).table("server_answers").notes
    assert note.text == (
        "9 answers, 2 complete and 4 failed requests in the window: the scrapes enclose a longer "
        "time than the window"
    )
    assert answered({"OK": 6}).table("server_answers").notes == ()


def test_answers_that_are_not_ok_are_among_the_requests():
    notes = answered({"OK": 2, "UNAVAILABLE": 3, "ABORTED": 1}).section("requests").notes
    assert notes[1].text == (
        "Answers that are not OK, by the server's metrics: 1 ABORTED and 3 UNAVAILABLE."
    )
    assert len(answered({"OK": 2}).section("requests").notes) == 1


def test_only_a_cause_of_lost_time_is_called_the_cause():
    for tier, text in (
        (Tier.REQUEST_TIME, "high that this is the cause"),
        (Tier.CAPACITY, "high"),
        (Tier.VISIBILITY, "high"),
    ):
        report = build_report(make_analysis(), (replace(make_finding(), tier=tier),))
        reason = "3 requests of convnet [batch-timeout-dominates]"
        assert labels_of(report)["confidence"] == f"{text}. {reason}"


def test_the_tail_is_defined_by_the_requests_in_it():
    analysis = make_analysis()
    models = (analysis.models[0], replace(analysis.models[0], tail_slow=21, tail_middle=205))
    report = make_report(replace(analysis, models=models))
    ledgers = [each.tables[0] for each in report.sections if each.id == "ledger"]
    assert [table.notes[0].text for table in ledgers] == [
        (
            "tail: the request at p99 minus mean of the 3 around p50; negative: slow requests "
            "spend less time there"
        ),
        "tail: mean of the 21 requests around p99 minus mean of the 205 around p50",
    ]


def test_what_slow_requests_wait_for_comes_after_the_gain():
    analysis = make_analysis()
    stages = tuple(replace(stage, tail_ns=30.0 * MS) for stage in analysis.models[0].stages)
    latency = replace(analysis.models[0].latency, p99_ns=90.0 * MS)
    model = replace(
        analysis.models[0], requests=1000, latency=latency, stages=stages, tail_ns=40.0 * MS
    )
    report = build_report(replace(analysis, models=(model,)), (make_finding(),))
    labels = labels_of(report)
    assert labels["gain"].endswith(f"Waits cut to 2 ms. {report.verdict.tail}")
    assert report.verdict.tail.startswith("Requests around p99 take 40.0 ms more")
