"""docs/bundle-format.md names every part, field and limit that the code knows."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import msgspec
import pytest

from diag.capture.samplers.host import reader as host_reader
from diag.capture.samplers.nvml import GPU_UNITS
from diag.formats import limits
from diag.formats.bundle import archive, layout, manifest, stacks
from diag.model.samples import SampleSeries, ServedModel, ServerInfo

PAGE = (Path(__file__).parents[2] / "docs" / "bundle-format.md").read_text("utf-8")
PARTS = (
    layout.MANIFEST,
    layout.HOST_SAMPLES,
    layout.GPU_SAMPLES,
    layout.DCGM_SAMPLES,
    layout.METRICS_BEFORE,
    layout.METRICS_AFTER,
    layout.SERVER,
    layout.STACKS,
)
RECORDS = (
    manifest.Manifest,
    manifest.Part,
    manifest.WindowRecord,
    manifest.ClockRecord,
    manifest.SourceRecord,
    manifest.CaveatRecord,
    stacks._Document,
    stacks._Columns,
    stacks._Frame,
    stacks._Cost,
)
FIELDS = [field.name for record in RECORDS for field in msgspec.structs.fields(record)]
FIELDS += [field.name for kind in (ServerInfo, ServedModel) for field in fields(kind)]
# The header line holds all of a series but its samples.
FIELDS += [field.name for field in fields(SampleSeries) if field.name != "samples"]


@pytest.mark.parametrize("name", sorted({*FIELDS, *PARTS}))
def test_every_part_and_field_is_described(name: str) -> None:
    assert f"`{name}`" in PAGE


def test_every_sampled_field_is_described_with_its_unit() -> None:
    units = dict(GPU_UNITS)
    units |= host_reader._UNITS | host_reader._SERVER_UNITS | host_reader._CGROUP_UNITS
    assert len(units) > 10
    rows = [line.split("|")[1:3] for line in PAGE.splitlines() if line.startswith("| `")]
    described = {
        name.strip(" `"): unit.strip() for names, unit in rows for name in names.split(",")
    }
    assert {name: described.get(name) for name in units} == units


def test_the_limits_are_those_of_the_code() -> None:
    assert f"version {manifest.FORMAT_VERSION}\n" in PAGE
    assert f"at most {archive.ENTRIES_MAX} entries" in PAGE
    assert f"up to {archive.TOTAL_MAX_BYTES >> 30} GiB unpacked" in PAGE
    assert f"over {archive.RATIO_FREE_BYTES >> 20} MiB that expand" in PAGE
    assert f"more than {archive.RATIO_MAX} times" in PAGE
    assert f"{limits.TRACE_MAX_BYTES >> 30} GiB for a trace" in PAGE
    assert f"{limits.MANIFEST_MAX_BYTES >> 20} MiB\nfor the manifest" in PAGE
    assert f"{limits.STACKS_MAX_BYTES >> 20} MiB for `{layout.STACKS}`" in PAGE
    assert f"1 to {stacks.DEPTH_MAX} positions" in PAGE
    assert f"at most {stacks.TEXT_MAX_CHARACTERS} characters" in PAGE
    assert f"{limits.PART_MAX_BYTES >> 20} MiB for any other part" in PAGE
