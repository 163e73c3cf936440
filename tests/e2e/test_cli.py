"""The installed command, as a shell sees it: streams, statuses, files."""

from __future__ import annotations

import csv
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from diag import TABLE_NAMES
from tests.conftest import sample_path

DIAG = Path(sys.executable).with_name("diag")


def diag(*arguments: object, **environ: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(DIAG), *map(str, arguments)],
        capture_output=True,
        check=False,
        encoding="utf-8",
        env={**os.environ, **environ},
    )


def trace(name: str) -> Path:
    return sample_path(name) / "server.xplane.pb"


def test_analyze_prints_title_verdict_and_limits_and_nothing_on_stderr():
    done = diag("analyze", trace("batch-timeout"), COLUMNS="80")
    assert done.returncode == 0
    assert done.stderr == ""
    title, verdict = done.stdout.split("\n\nRequests take ", 1)
    assert title.startswith("trace server · ")
    assert "waiting for a batch to fill" in " ".join(verdict.splitlines()[:2])
    assert "has no GPU plane" in " ".join(verdict.partition("\nLimits")[2].split())
    assert "\x1b" not in done.stdout


def test_charts_are_written_next_to_the_report_and_never_over_another_file(tmp_path):
    command = ("analyze", trace("batch-timeout"), "--summary", "--charts", tmp_path / "charts")
    done = diag(*command)
    assert (done.returncode, done.stderr) == (0, "")
    names = {path.name for path in (tmp_path / "charts").iterdir()}
    chapters = ("verdict", "requests", "idle", "timeline", "tail", "batches")
    assert names == {f"{chapter}.{kind}" for chapter in chapters for kind in ("svg", "png")}
    assert diag(*command).returncode == 7
    assert diag(*command, "--force").returncode == 0


def test_without_the_extra_charts_are_svg_and_stderr_says_so(tmp_path):
    (tmp_path / "resvg_py.py").write_text("raise ImportError('not here')")
    folder = tmp_path / "charts"
    done = diag("analyze", trace("padding"), "--charts", folder, PYTHONPATH=str(tmp_path))
    assert done.returncode == 0
    assert done.stderr == (
        "charts are written as SVG only: a chart as PNG needs resvg_py, which cannot be imported; "
        "pip install 'tfserving-diag[charts]'\n"
    )
    assert {path.suffix for path in folder.iterdir()} == {".svg"}


def test_a_redacted_bundle_has_the_same_report_under_other_names(tmp_path):
    bundle, shared = sample_path("demo-slow-preprocess") / "bundle.zip", tmp_path / "shared.zip"
    state = {"XDG_STATE_HOME": str(tmp_path / "state")}
    done = diag("redact", bundle, "-o", shared, **state)
    legend = tmp_path / "state" / "diag" / "legend.json"
    assert done.returncode == 0
    assert done.stderr.endswith(f" names are replaced; {legend} says which: keep it to yourself\n")
    assert legend.stat().st_mode & 0o077 == 0
    names = {name: code for code, name in json.loads(legend.read_text())["names"].items()}
    assert "image:1" in diag("analyze", bundle).stdout
    assert f"{names['image']}:1" in diag("analyze", shared).stdout
    assert "image:" not in diag("analyze", shared, "-v", "-f", "json").stdout
    again = diag("analyze", bundle, "--redact", "--summary", **state)
    assert again.stdout == diag("analyze", shared, "--summary").stdout


def test_redacted_tables_have_the_same_numbers(tmp_path):
    bundle, legend = sample_path("demo-slow-preprocess") / "bundle.zip", tmp_path / "legend.json"
    command = ("export", bundle, "--table", "requests")
    plain, other = diag(*command), diag(*command, "--redact", "--legend", legend)
    assert other.returncode == 0
    rows = [list(csv.DictReader(each.stdout.splitlines())) for each in (plain, other)]
    assert [row["duration_ns"] for row in rows[0]] == [row["duration_ns"] for row in rows[1]]
    assert {row["model"] for row in rows[1]}.isdisjoint(row["model"] for row in rows[0])


def test_a_copy_with_the_suffix_of_another_kind_is_refused(tmp_path):
    done = diag("redact", trace("padding"), "-o", tmp_path / "x.zip", "--legend", tmp_path / "l")
    assert done.returncode == 2
    assert "the copy is a bare trace" in done.stderr
    assert not (tmp_path / "x.zip").exists()


def test_colour_is_sent_where_it_is_forced():
    done = diag("analyze", trace("batch-timeout"), FORCE_COLOR="1", NO_COLOR="")
    assert "\x1b[" in done.stdout


def test_verbose_says_on_stderr_what_was_done():
    done = diag("-v", "analyze", trace("no-batching"), "--format", "json")
    assert json.loads(done.stdout)["schema_version"] == "2"
    told = [line for line in done.stderr.splitlines() if not line.startswith("not looked for: ")]
    assert len(told) == 2
    assert "events in" in done.stderr


def test_verbose_names_each_rule_whose_source_is_missing():
    done = diag("-v", "analyze", trace("no-batching"), "--summary")
    told = [line for line in done.stderr.splitlines() if line.startswith("not looked for: ")]
    assert "not looked for: batch-timeout-dominates: no batch was recorded" in told
    assert "not looked for: launch-bound: the trace has no events of a GPU" in told
    assert "not looked for" not in done.stdout


@pytest.mark.parametrize("name", ["batch-timeout-dominates", "critical", "warning", "info"])
def test_a_finding_that_is_not_accepted_ends_with_status_1_after_the_report(name):
    done = diag("analyze", trace("batch-timeout"), "--summary", "--fail-on", name)
    assert done.returncode == 1
    assert done.stdout == diag("analyze", trace("batch-timeout"), "--summary").stdout
    assert done.stderr.startswith("error: batch-timeout-dominates (critical)")


def test_other_findings_and_lower_severities_are_accepted():
    assert diag("analyze", trace("batch-timeout"), "--fail-on", "no-demand").returncode == 0
    assert diag("analyze", trace("no-batching"), "--fail-on", "warning").returncode == 0
    assert diag("analyze", trace("no-batching"), "--fail-on", "no-demand").returncode == 1


def test_a_report_is_written_to_a_file_once(tmp_path):
    target = tmp_path / "report.md"
    first = diag("analyze", trace("padding"), "--format", "md", "-o", target)
    assert (first.returncode, first.stdout, first.stderr) == (0, "", "")
    assert target.read_text().startswith("# trace server · ")

    again = diag("analyze", trace("padding"), "-o", target)
    assert again.returncode == 7
    assert again.stdout == ""
    assert "--force" in again.stderr
    assert diag("analyze", trace("padding"), "-o", target, "--force").returncode == 0
    assert target.read_text().startswith("# trace server · ")


def test_batching_parameters_replace_the_estimates():
    folder = sample_path("batch-timeout")
    estimated = diag("analyze", trace("batch-timeout"), "--format", "json")
    told = diag(
        "analyze",
        trace("batch-timeout"),
        "--format",
        "json",
        "--batching-parameters",
        folder / "batching_parameters.txt",
    )
    origins = []
    for done in (estimated, told):
        sections = json.loads(done.stdout)["sections"]
        tables = {table["id"]: table["rows"] for each in sections for table in each["tables"]}
        origins.append({row["origin"] for row in tables["batching_parameters"]})
    assert "estimated" in origins[0]
    assert origins[1] == {"file"}


@pytest.mark.parametrize("name", ["batch-timeout", "padding", "no-batching", "in-graph-batching"])
def test_every_exported_request_tiles(name, tmp_path):
    target = tmp_path / "requests.csv"
    done = diag("export", trace(name), "--table", "requests", "--format", "csv", "-o", target)
    assert done.returncode == 0
    with target.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) > 100
    for row in rows:
        assert row["complete"] in {"true", "false"}
        stages = [int(value or 0) for key, value in row.items() if key.startswith("stage_")]
        assert sum(stages) == int(row["duration_ns"])


@pytest.mark.parametrize("table", TABLE_NAMES)
def test_csv_and_json_lines_have_the_same_rows(table):
    as_csv = diag("export", trace("padding"), "--table", table, "--format", "csv")
    as_lines = diag("export", trace("padding"), "--table", table, "--format", "jsonl")
    header, *rows = csv.reader(as_csv.stdout.splitlines())
    objects = [json.loads(line) for line in as_lines.stdout.splitlines()]
    assert len(rows) == len(objects)
    assert (len(rows) == 0) is (table in {"iterations", "devices", "kernels", "costs", "samples"})
    assert all(list(item) == header for item in objects)


def test_a_summary_is_a_ticket_of_ten_lines_at_most():
    done = diag("analyze", trace("batch-timeout"), "--summary", "--format", "markdown")
    assert done.returncode == 0
    lines = [line for line in done.stdout.splitlines() if line]
    assert len(lines) <= 10
    assert lines[0].startswith("# trace server")
    assert any("change:" in line for line in lines)
    whole = diag("analyze", trace("batch-timeout"), "--format", "markdown").stdout
    assert len(whole) > 2 * len(done.stdout)


def test_verbose_shows_more_sections_in_the_report():
    quiet = diag("analyze", trace("padding"))
    verbose = diag("analyze", trace("padding"), "-v")
    assert len(verbose.stdout.splitlines()) > len(quiet.stdout.splitlines()) + 10


def test_stdin_is_read_as_a_file_is():
    data = trace("padding").read_bytes()
    command = [str(DIAG), "export", "-", "--table", "requests"]
    done = subprocess.run(command, input=data, capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout.decode() == diag("export", trace("padding"), "-t", "requests").stdout


def test_a_terminal_is_not_read_as_a_trace():
    ours, theirs = os.openpty()
    command = [str(DIAG), "analyze", "-"]
    done = subprocess.run(command, stdin=theirs, capture_output=True, check=False, text=True)
    os.close(ours)
    os.close(theirs)
    assert (done.returncode, done.stdout) == (2, "")
    assert "stdin is a terminal" in done.stderr


def test_of_several_runs_one_must_be_named(tmp_path):
    for name in ("2026_11_22_10_00_00", "2026_11_22_11_00_00"):
        folder = tmp_path / "my logs" / "plugins" / "profile" / name
        folder.mkdir(parents=True)
        (folder / "server.xplane.pb").write_bytes(trace("padding").read_bytes())
    refused = diag("analyze", tmp_path / "my logs", "--format", "json")
    assert (refused.returncode, refused.stdout) == (3, "")
    assert "2026_11_22_10_00_00, 2026_11_22_11_00_00" in refused.stderr
    assert "--run" in refused.stderr.split("hint:")[1].splitlines()[0]
    assert f"diag analyze '{tmp_path}/my logs' --format json --run newest" in refused.stderr
    for run in ("newest", "2026_11_22_10_00_00"):
        assert diag("analyze", tmp_path / "my logs", "--run", run).returncode == 0
    absent = diag("export", tmp_path / "my logs", "--table", "gaps", "--run", "2025")
    assert absent.returncode == 3


def test_export_without_a_table_lists_the_tables():
    done = diag("export", "my capture.zip", "--format", "jsonl")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.splitlines() == [
        "error: neither --table nor --to is given",
        f"hint:  choose a table, one of {', '.join(TABLE_NAMES)}, or all:",
        "       diag export 'my capture.zip' --format jsonl --table requests",
    ]


def test_all_tables_are_written_into_a_folder(tmp_path):
    folder = tmp_path / "tables"
    done = diag("export", trace("padding"), "--table", "all", "-f", "jsonl", "-o", folder)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert {path.name for path in folder.iterdir()} == {f"{name}.jsonl" for name in TABLE_NAMES}
    one = diag("export", trace("padding"), "--table", "gaps", "-f", "jsonl")
    assert (folder / "gaps.jsonl").read_text() == one.stdout

    again = diag("export", trace("padding"), "--table", "all", "-f", "jsonl", "-o", folder)
    assert again.returncode == 7
    assert "--force" in again.stderr


def test_all_tables_need_a_folder(tmp_path):
    done = diag("export", "x.zip", "--table", "all")
    assert (done.returncode, done.stdout) == (2, "")
    assert "diag export x.zip --table all --output tables" in done.stderr
    (tmp_path / "file").touch()
    assert diag("export", "x.zip", "-t", "all", "-o", tmp_path / "file").returncode == 7


@pytest.mark.parametrize(
    ("name", "arguments", "begins"),
    [
        ("r.json", (), "{"),
        ("r.MD", (), "# trace server"),
        ("r.csv", (), "section,"),
        ("r.txt", (), "trace server"),
        ("r", (), "trace server"),
        ("r.md", ("--format", "json"), "{"),
        ("r", ("--format", "md"), "# trace server"),
    ],
)
def test_the_suffix_of_the_output_chooses_the_format(name, arguments, begins, tmp_path):
    done = diag("analyze", trace("padding"), *arguments, "-o", tmp_path / name)
    assert done.returncode == 0
    assert (tmp_path / name).read_text().startswith(begins)


@pytest.mark.parametrize(
    ("arguments", "status"),
    [
        (["analyze", "/nonexistent/capture.zip"], 3),
        (["analyze", "/etc/hostname"], 3),
        (["analyze"], 2),
        (["analyze", "x", "--format", "pdf"], 2),
        (["export", "x"], 2),
        (["export", "x", "--table", "gaps", "-o", "/nonexistent/gaps.csv"], 7),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else str(value),
)
def test_errors_leave_stdout_empty_and_have_their_status(arguments, status):
    done = diag(*arguments)
    assert done.returncode == status
    assert done.stdout == ""
    assert done.stderr.startswith("error: ")
    assert "\nhint:  " in done.stderr
    assert "Traceback" not in done.stderr


def test_a_traceback_is_shown_only_on_demand():
    assert "Traceback" in diag("-vv", "analyze", "/nonexistent/capture.zip").stderr


def test_batching_parameters_that_are_none_name_the_file(tmp_path):
    broken = tmp_path / "parameters.txt"
    broken.write_text("max_batch_siz { value: 3 }")
    done = diag("analyze", trace("padding"), "--batching-parameters", broken)
    assert (done.returncode, done.stdout) == (3, "")
    assert "max_batch_size" in done.stderr


def test_a_full_disk_is_an_output_error():
    done = diag("analyze", trace("padding"), "-o", "/dev/full", "--force")
    assert (done.returncode, done.stdout) == (7, "")
    assert "No space left" in done.stderr


def test_a_reader_that_goes_away_is_no_drama():
    command = [str(DIAG), "export", str(trace("padding")), "--table", "requests"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait(timeout=30) == 7


def test_an_interrupt_ends_with_130_and_no_traceback():
    program = (
        "import sys\n"
        "from diag.cli import main\n"
        "from diag.cli.commands import COMMANDS, LazyCommand\n"
        "COMMANDS['wait'] = LazyCommand('tests.e2e.waiting_command:wait', 'Wait.')\n"
        "sys.exit(main(['wait']))\n"
    )
    root = Path(__file__).parents[2]
    with subprocess.Popen(
        [sys.executable, "-c", program],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=root,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "waiting\n"
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=30)
    assert process.returncode == 130
    assert (out, err) == ("", "interrupted\n")


def test_a_bug_says_so_and_is_told_apart_from_a_users_mistake():
    program = (
        "import sys\n"
        "from diag.cli import main\n"
        "from diag.cli.commands import COMMANDS, LazyCommand\n"
        "COMMANDS['crash'] = LazyCommand('tests.e2e.waiting_command:crash', 'Crash.')\n"
        "sys.exit(main(sys.argv[1:]))\n"
    )
    root = Path(__file__).parents[2]

    def crash(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-c", program, *arguments, "crash"]
        return subprocess.run(command, capture_output=True, check=False, text=True, cwd=root)

    quiet, loud = crash(), crash("-vv")
    assert quiet.returncode == loud.returncode == 70
    assert quiet.stdout == ""
    assert quiet.stderr.splitlines() == [
        "error: this is a bug in diag, not a problem of your input or server",
        r"cause: KeyError: 'a\nb'",
        "hint:  run it again with -vv and report the traceback, with the input if possible",
    ]
    assert "Traceback" in loud.stderr
