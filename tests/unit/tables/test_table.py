"""Tables as arrays and data frames: exact values, missing where missing, units with them."""

from __future__ import annotations

import io
import json
import sys
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from diag.errors import UsageError
from diag.model.availability import Unavailable
from diag.tables.column import ColumnKind
from diag.tables.names import TABLE_NAMES
from diag.tables.registry import table
from tests.unit.report.factory import (
    BIG_BATCH_ID,
    MS,
    ORIGIN_UNIX_NS,
    make_analysis,
    make_capture,
    make_rich_capture,
)
from tests.unit.report.gpu_factory import make_gpu_analysis
from tests.unit.report.rendering import HOSTILE_NAMES


def test_a_structured_array_has_one_field_per_column_with_its_dtype():
    array = table(make_analysis(), "requests").to_numpy()
    assert array.shape == (3,)
    assert array.dtype["start_unix_ns"] == np.int64
    assert array.dtype["complete"] == np.bool_
    assert array["start_unix_ns"][0] == ORIGIN_UNIX_NS
    assert array["duration_ns"].sum() == 36 * MS
    assert array["batch_ids"][0] == (BIG_BATCH_ID, 0)


def test_a_missing_value_is_masked_and_a_known_one_is_not():
    requests = table(make_analysis(), "requests")
    assert requests["rows"].tolist() == [1, None, 3]
    assert requests["stage_preprocess_ns"].mask.all()
    assert requests.to_numpy()["rows"].tolist() == [1, None, 3]
    # A masked value takes no part in a sum.
    assert requests["rows"].sum() == 4


def test_ids_of_64_bits_are_exact():
    batches = table(make_analysis(), "batches")
    assert batches["id"].dtype == np.uint64
    assert batches["id"][0] == BIG_BATCH_ID
    assert batches.to_pandas()["id"][0] == BIG_BATCH_ID
    assert batches.to_polars()["id"][0] == BIG_BATCH_ID
    assert batches.to_arrow()["id"][0].as_py() == BIG_BATCH_ID


def test_a_time_that_does_not_fit_into_int64_is_masked_in_arrays():
    capture = replace(make_capture(), origin_unix_ns=2**63 - 1)
    requests = table(make_analysis(capture=capture), "requests")
    assert requests["start_unix_ns"].tolist() == [2**63 - 1, None, None]
    assert requests.to_polars()["start_unix_ns"].to_list() == [2**63 - 1, None, None]


def test_without_an_origin_all_wall_clock_times_are_missing():
    capture = replace(make_capture(), origin_unix_ns=Unavailable("no start time"))
    requests = table(make_analysis(capture=capture), "requests")
    assert requests["start_unix_ns"].mask.all()
    assert requests.to_pandas()["start_unix_ns"].isna().all()


@pytest.mark.parametrize("name", TABLE_NAMES)
def test_every_library_gets_the_same_values(name):
    made = table(make_gpu_analysis(), name)
    expected = [
        [
            None if cell is None else list(cell) if isinstance(cell, tuple) else cell
            for cell in cells
        ]
        for cells in (column.cells() for column in made.columns)
    ]
    arrow = made.to_arrow()
    assert arrow.to_pydict() == dict(zip(made.names, expected, strict=True))
    assert made.to_polars().to_dict(as_series=False) == arrow.to_pydict()
    frame = made.to_pandas()
    assert list(frame.columns) == list(made.names)
    as_python = [frame[column].astype(object).tolist() for column in frame]
    assert [[None if cell is pd.NA else cell for cell in cells] for cells in as_python] == expected


def test_dtypes_are_nullable_and_typed():
    requests = table(make_analysis(), "requests")
    assert requests.to_pandas()["rows"].dtype == pd.Int64Dtype()
    assert requests.to_polars().schema["batch_ids"] == pl.List(pl.UInt64)
    assert requests.to_arrow().schema.field("rows").type == pa.int64()
    assert requests.to_arrow().schema.field("model").type == pa.string()


def test_units_and_meanings_travel_with_the_values():
    requests = table(make_analysis(), "requests")
    info = requests.column("duration_ns").info
    assert (info.unit, info.kind) == ("ns", ColumnKind.INTEGER)
    assert requests.to_pandas().attrs["columns"]["duration_ns"]["meaning"] == info.meaning
    metadata = requests.to_arrow().schema.field("duration_ns").metadata
    assert metadata[b"meaning"].decode() == info.meaning


def test_parquet_comes_back_as_it_was_written():
    made = table(make_analysis(), "requests")
    again = pq.read_table(io.BytesIO(made.encode("parquet")))
    assert again.equals(made.to_arrow())
    assert again.schema.field("duration_ns").metadata[b"unit"] == b"ns"


def test_an_arrow_file_comes_back_as_it_was_written():
    made = table(make_analysis(), "requests")
    again = pa.ipc.open_file(io.BytesIO(made.encode("arrow"))).read_all()
    assert again.equals(made.to_arrow())
    assert again.schema.field("duration_ns").metadata[b"unit"] == b"ns"


def test_json_describes_its_columns():
    made = table(make_analysis(), "gaps")
    document = json.loads(made.encode("json"))
    assert document["table"] == "gaps"
    assert [column["name"] for column in document["columns"]] == list(made.names)
    lines = [json.loads(line) for line in made.encode("jsonl").splitlines()]
    assert document["rows"] == lines
    assert len(lines) == 3


def test_names_that_do_not_exist_are_refused_with_those_that_do():
    analysis = make_analysis()
    with pytest.raises(UsageError, match="no table 'request'") as caught:
        table(analysis, "request")
    assert "requests, batches" in caught.value.hint
    with pytest.raises(UsageError, match="no column 'duration'") as caught:
        table(analysis, "requests")["duration"]
    assert "duration_ns" in caught.value.hint
    with pytest.raises(UsageError, match="no table format 'xlsx'") as caught:
        table(analysis, "requests").encode("xlsx")
    assert "csv, jsonl, json, arrow, parquet" in caught.value.hint


@pytest.mark.parametrize(
    ("method", "package"),
    [("to_pandas", "pandas"), ("to_polars", "polars"), ("to_arrow", "pyarrow")],
)
def test_a_library_that_is_not_installed_is_named_with_the_pip_command(
    monkeypatch, method, package
):
    monkeypatch.setitem(sys.modules, package, None)  # importing it fails
    with pytest.raises(UsageError, match=f"needs {package}, which cannot be imported") as caught:
        getattr(table(make_analysis(), "requests"), method)()
    assert caught.value.hint == "pip install 'tfserving-diag[tables]'"


def test_repr_is_one_short_line():
    made = table(make_analysis(), "requests")
    assert repr(made) == "Table('requests', 3 rows x 24 columns)"
    assert len(repr(made.columns[0])) < 250
    assert made != table(make_analysis(), "requests")
    assert len({made, made}) == 1


class Tags(HTMLParser):
    """Counts the elements of a page, and keeps its text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        assert not attrs
        self.tags.append(tag)

    def handle_data(self, data):
        self.text += data


@pytest.mark.parametrize("name", HOSTILE_NAMES.values(), ids=HOSTILE_NAMES)
@pytest.mark.parametrize("which", ["requests", "gaps", "devices"])
def test_a_hostile_name_adds_no_element_to_the_html(name, which):
    plain, hostile = (
        Tags(table(make_gpu_analysis(model), which)._repr_html_()) for model in ("m", name)
    )
    assert plain.tags.count("td") > 0
    assert hostile.tags == plain.tags


def test_html_shows_the_first_rows_and_how_many_follow():
    capture = make_rich_capture()
    host = replace(capture.host_samples, samples=capture.host_samples.samples * 20)
    samples = table(make_analysis(capture=replace(capture, host_samples=host)), "samples")
    page = Tags(samples._repr_html_())
    assert page.tags.count("tr") == 1 + 10
    assert f"{len(samples) - 10} more rows" in page.text


def test_a_table_without_rows_is_shown_and_converted():
    made = table(make_analysis(), "samples")
    assert (len(made), len(made.to_pandas()), len(made.to_polars())) == (0, 0, 0)
    assert made.to_numpy().shape == (0,)
    assert Tags(made._repr_html_()).tags.count("td") == 0
