"""What main() makes of errors: text on stderr, a status, nothing on stdout."""

from __future__ import annotations

import pytest

from diag.cli import main
from diag.cli.boundary import error_text
from diag.cli.commands import COMMANDS
from diag.errors import DiagError, InputError, OutputError


def test_an_error_is_shown_as_labelled_lines_and_its_class_gives_the_status(tmp_path, capsys):
    status = main(["analyze", str(tmp_path / "absent.zip")])

    out, err = capsys.readouterr()
    assert status == InputError.exit_code
    assert out == ""
    assert err.startswith("error: ")
    assert "absent.zip" in err
    assert "Traceback" not in err


def test_a_misspelt_command_is_answered_with_the_nearest_one(capsys):
    assert main(["analyse"]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.splitlines() == [
        "error: No such command 'analyse'. Did you mean 'analyze'?",
        "hint:  diag --help",
    ]


def test_a_command_like_no_other_is_answered_with_the_list(capsys):
    assert main(["xyzzy"]) == 2
    assert f"Commands: {', '.join(COMMANDS)}." in capsys.readouterr().err


def test_a_misspelt_option_names_the_commands_help(capsys):
    assert main(["export", "x", "--tabel", "gaps"]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert "--table" in err
    assert err.endswith("hint:  diag export --help\n")


def test_no_command_at_all_is_a_usage_error_that_shows_the_help_on_stderr(capsys):
    assert main([]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert "Commands:" in err


@pytest.mark.parametrize("flag", ["-h", "--help"])
@pytest.mark.parametrize("command", [[], ["analyze"], ["export"]])
def test_help_goes_to_stdout_with_examples(command, flag, capsys):
    assert main([*command, flag]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    assert f"  diag {' '.join(command)}".rstrip() in out
    assert "Examples:" in out


@pytest.mark.parametrize("flag", ["-V", "--version"])
def test_version_names_diag_and_the_libraries_under_it(flag, capsys):
    assert main([flag]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("diag ")
    assert {line.split()[0] for line in lines[1:]} >= {"python", "numpy", "grpcio", "protobuf"}


def test_a_bad_regular_expression_is_a_usage_error_with_the_place_of_the_mistake(tmp_path, capsys):
    assert main(["analyze", str(tmp_path), "--preprocess-ops", "(Decode"]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert "'(Decode' is not a regular expression" in err
    assert "position 0" in err


def test_an_existing_output_file_is_refused_before_the_source_is_read(tmp_path, capsys):
    taken = tmp_path / "report.md"
    taken.write_text("keep me")
    assert main(["analyze", str(tmp_path / "absent"), "-o", str(taken)]) == OutputError.exit_code
    assert "--force" in capsys.readouterr().err
    assert taken.read_text() == "keep me"


def test_what_an_error_quotes_can_neither_steer_the_terminal_nor_fake_a_label():
    error = DiagError("bad \x1b[2J name\nhint:  rm -rf", cause="[red]x[/red]\x9b1m", hint="ok")
    assert error_text(error).splitlines() == [
        r"error: bad \x1b[2J name",
        "       hint:  rm -rf",
        r"cause: [red]x[/red]\x9b1m",
        "hint:  ok",
    ]


def test_an_endless_message_is_cut():
    assert len(error_text(DiagError("x" * 100_000))) < 3000
