"""The docs name every command, option, column and key there is, and show real output."""

from __future__ import annotations

import json
import re
from pathlib import Path

import click
import pytest

from diag.cli.commands import COMMANDS, cli
from diag.report.formats._json_document import published_schema
from diag.tables.names import TABLE_NAMES, TABLES
from diag.tables.registry import table as make_table
from tests.golden.test_reports import golden_path
from tests.golden.update import README, with_readme_output
from tests.unit.report.factory import make_analysis, make_report
from tests.unit.report.gpu_factory import make_gpu_analysis

DOCS = Path(__file__).parents[2] / "docs"


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_a_page_with_all_its_options(name):
    page = (DOCS / f"{name}.md").read_text()
    command = cli.get_command(cli.make_context("diag", [name]), name)
    assert command is not None
    options = [
        max(parameter.opts, key=len)
        for parameter in command.params
        if isinstance(parameter, click.Option)
    ]
    assert len(options) >= (0 if name == "completion" else 3)
    assert [option for option in options if option not in page] == []
    choices = [
        choice
        for parameter in command.params
        if isinstance(parameter.type, click.Choice)
        for choice in parameter.type.choices
    ]
    assert [choice for choice in choices if choice not in page] == []


@pytest.mark.parametrize("table", TABLE_NAMES)
def test_every_exported_column_is_explained_as_the_library_explains_it(table):
    page = (DOCS / "export.md").read_text()
    section = re.search(rf"^## `{table}`.*?(?=^## |\Z)", page, re.M | re.S)
    assert section is not None
    assert f"One row is {TABLES[table].row}." in section[0]
    columns = [column.info for column in make_table(make_analysis(), table).columns]
    rows = [f"| `{each.name}` | {each.unit} | {each.meaning} |" for each in columns]
    assert re.findall(r"^\| `\w+` \|.*", section[0], re.M) == rows


def test_every_key_of_the_json_report_is_explained():
    page = (DOCS / "report-schema.md").read_text()
    definitions = json.loads(published_schema())["$defs"].values()
    keys = {key for definition in definitions for key in definition.get("properties", {})}
    assert len(keys) >= 70
    assert sorted(key for key in keys if f"`{key}`" not in page) == []


def test_every_section_table_and_series_of_the_report_is_explained():
    page = (DOCS / "report-schema.md").read_text()
    reports = [make_report(analysis) for analysis in (make_analysis(), make_gpu_analysis())]
    sections = [section for report in reports for section in report.sections]
    ids = {section.id for section in sections}
    ids |= {table.id for section in sections for table in section.tables}
    ids |= {series.id.partition(".")[0] for section in sections for series in section.series}
    assert len(ids) >= 40
    assert sorted(id_ for id_ in ids if f"`{id_}`" not in page) == []


def test_the_output_shown_is_what_the_command_prints():
    page = (DOCS / "analyze.md").read_text()
    shown = re.search(r"<!-- output of batch-timeout -->\n```text\n(.*?)```\n", page, re.S)
    assert shown is not None
    assert shown[1] == golden_path("batch-timeout", "txt").read_text()


def test_the_finding_that_the_readme_shows_in_full_is_what_the_command_prints():
    page = README.read_text()
    assert page.count("[batch-timeout-dominates]") == 1
    assert "looked for" in page
    assert with_readme_output(page) == page


def test_links_between_pages_lead_somewhere():
    pages = sorted(DOCS.glob("*.md"))
    assert len(pages) >= 4
    broken = [
        f"{page.name}: {target}"
        for page in pages
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text())
        if not (DOCS / target).exists()
    ]
    assert broken == []
