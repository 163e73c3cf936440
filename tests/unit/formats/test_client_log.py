"""Logs of clients: every form that is read, and what a hostile file costs."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from diag.errors import InputError, SourceNotFoundError
from diag.formats.text import client_log
from diag.formats.text.client_log import load_client_log, parse_client_log
from diag.formats.text.client_times import status_name, unix_ns

if TYPE_CHECKING:
    from pathlib import Path

    from diag.model.client_log import ClientLog

T = 1_795_893_011_861_367_275


def parsed(text: str) -> ClientLog:
    return parse_client_log(text.encode(), "calls.csv", "calls.csv")


def calls(log: ClientLog) -> list[tuple[int, int, str]]:
    statuses = [log.statuses[index] for index in log.status_index]
    return list(zip(log.start_unix_ns.tolist(), log.end_unix_ns.tolist(), statuses, strict=True))


def test_csv_with_ns_comes_in_order_of_the_end() -> None:
    log = parsed(f"start,end,status\n{T},{T + 9},0\n{T + 1},{T + 5},UNAVAILABLE\n")
    assert calls(log) == [(T + 1, T + 5, "UNAVAILABLE"), (T, T + 9, "OK")]
    assert log.answered.tolist() == [False, True]
    assert repr(log) == "ClientLog('calls.csv', 2 calls)"


def test_columns_may_have_units_other_names_and_any_order() -> None:
    log = parsed(f"\ufeffmodel,End_ns, begin_unix_ns\nm,{T + 9},{T}\n\n")
    assert calls(log) == [(T, T + 9, "")]
    assert log.answered.all()


def test_json_lines() -> None:
    log = parsed(f'{{"start": {T}, "end": {T + 7}, "status": "StatusCode.OK", "x": [1]}}\n\n')
    assert calls(log) == [(T, T + 7, "OK")]


@pytest.mark.parametrize(
    ("text", "ns"),
    [
        ("1795893011", 1_795_893_011_000_000_000),
        ("1795893011.861367275", T),
        ("1795893011861.367275", T),
        ("1795893011861367.275", T),
        (str(T), T),
        ("2026-11-28T19:10:11.861367275Z", T),
        ("2026-11-28 20:10:11.861367275+01:00", T),
        ("2026-11-28T19:10:11+00:00", 1_795_893_011_000_000_000),
    ],
)
def test_the_size_of_a_number_tells_its_unit(text: str, ns: int) -> None:
    assert unix_ns(text) == ns


@pytest.mark.parametrize(
    "text",
    ["", "soon", "nan", "-1", "1e400", "1e-999999999", "9" * 500, "2026-11-28T19:10:11", "1-2-3"],
)
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="time"):
        unix_ns(text)


@pytest.mark.parametrize(
    ("value", "name"),
    [
        (0, "OK"),
        ("8", "RESOURCE_EXHAUSTED"),
        ("ok", "OK"),
        (True, "OK"),
        (200, "OK"),
        ("503", "HTTP 503"),
        (None, ""),
        ("", ""),
        ("StatusCode.DEADLINE_EXCEEDED", "DEADLINE_EXCEEDED"),
        ("x" * 99, "X" * 40),
    ],
)
def test_statuses_have_the_names_of_grpc(value: str | int | None, name: str) -> None:
    assert status_name(value) == name


def span(start: int, end: int, kind: object = 3, **attributes: object) -> dict[str, object]:
    return {
        "startTimeUnixNano": str(start),
        "endTimeUnixNano": str(end),
        "kind": kind,
        "attributes": [
            {"key": key.replace("_", ".", 1), "value": {"stringValue": value}}
            for key, value in attributes.items()
        ],
    }


def document(*spans: dict[str, object]) -> str:
    return json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": list(spans)}]}]})


def test_spans_of_clients_are_read_and_others_counted() -> None:
    log = parsed(document(span(T, T + 4), span(T, T + 5, "SPAN_KIND_CLIENT"), span(T, T + 6, 2)))
    assert calls(log) == [(T, T + 4, "OK"), (T, T + 5, "OK")]
    assert log.skipped == 1


def test_of_spans_that_name_a_service_those_to_the_server_count() -> None:
    serving = span(T, T + 4, rpc_service="tensorflow.serving.PredictionService")
    log = parsed(document(serving, span(T, T + 9, rpc_service="Other")) + "\n" + document())
    assert calls(log) == [(T, T + 4, "OK")]


def test_a_span_with_an_error_is_a_failed_call() -> None:
    failed = {**span(T, T + 4), "status": {"code": 2}}
    coded = span(T, T + 5)
    coded["attributes"] = [{"key": "rpc.grpc.status_code", "value": {"intValue": "14"}}]
    assert [status for *_, status in calls(parsed(document(failed, coded)))] == [
        "UNKNOWN",
        "UNAVAILABLE",
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "line 1: no columns for begin and end"),
        ("a,b\n1,2\n", "line 1: no columns for begin and end"),
        ("start,end\n1\n", "line 2: a value is missing"),
        (f"start,end\n{T},{T - 1}\n", "line 2: the call ends before it begins"),
        ("start,end\nx,1\n", "line 2: 'x' is not a time"),
        ('start,end\n"' + "x" * 200_000, "line 2: not CSV"),
        ("{}\n", "line 1: no begin or no end"),
        ('{"start": [], "end": 1}\n', "line 1: begin or end is not a time"),
        ("{\n", "line 1: not a JSON object"),
        ('{"start": 1,\n', "line 1: not a JSON object"),
        ("[" * 100_000, "line 1: not a JSON object"),
        ('{"resourceSpans": 1}', "not spans of OpenTelemetry"),
        (document(span(T, T - 1)), "a span without valid times"),
    ],
)
def test_what_is_no_log_is_refused_with_its_line(text: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        parsed(text)


def test_bytes_that_are_no_text_are_refused() -> None:
    with pytest.raises(InputError, match="not text in UTF-8"):
        parse_client_log(b"\xff\xfe\x00", "calls", "calls")


def test_a_log_is_read_from_a_path_or_taken_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "calls.csv"
    path.write_text(f"start,end\n{T},{T + 9}\n")
    log = load_client_log(path)
    assert len(log) == 1
    assert load_client_log(log) is log
    with pytest.raises(SourceNotFoundError):
        load_client_log(tmp_path / "missing.csv")


def test_statuses_without_end_are_kept_within_bounds() -> None:
    lines = "\n".join(f"{T},{T + 1},S{number}" for number in range(500))
    log = parsed(f"start,end,status\n{lines}\n")
    assert len(log.statuses) == client_log.STATUSES_MAX + 1
    assert len(log) == 500


@given(st.binary(max_size=300))
def test_any_bytes_give_a_log_or_an_error(data: bytes) -> None:
    try:
        log = parse_client_log(data, "f", "f")
    except InputError:
        return
    assert (log.end_unix_ns >= log.start_unix_ns).all()


@given(st.text(alphabet='start,end\n0123456789.-T:Z"{}[]', max_size=120))
def test_nearly_valid_text_gives_a_log_or_an_error(text: str) -> None:
    try:
        parsed("start,end,status\n" + text)
    except InputError:
        return
