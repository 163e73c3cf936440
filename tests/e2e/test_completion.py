"""Tab completion: in a real bash, and for zsh and fish through what their scripts ask diag."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from diag.cli.commands import COMMANDS

DIAG = Path(sys.executable).with_name("diag")


def script(shell: str) -> str:
    done = subprocess.run(
        [str(DIAG), "completion", shell], capture_output=True, check=True, text=True
    )
    assert done.stderr == ""
    return done.stdout


def completed_by_bash(line: str, folder: Path) -> list[str]:
    """What bash offers at the end of a line, once the script is loaded as users load it."""
    words = line.split(" ")
    program = (
        'eval "$(diag completion bash)"\n'
        f"COMP_WORDS=({' '.join(map(repr, words))}); COMP_CWORD={len(words) - 1}\n"
        "function compopt { :; }\n"  # works only while bash completes for a person
        "$(complete -p diag | sed 's/.*-F \\([^ ]*\\).*/\\1/') diag\n"
        'printf "%s\\n" "${COMPREPLY[@]}"\n'
    )
    done = subprocess.run(
        ["bash", "--norc", "-c", program],
        capture_output=True,
        check=True,
        cwd=folder,
        env={**os.environ, "PATH": f"{DIAG.parent}:{os.environ['PATH']}"},
        text=True,
    )
    assert done.stderr == ""
    return done.stdout.split()


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("diag ana", ["analyze"]),
        ("diag ", list(COMMANDS)),
        ("diag export x --table ga", ["gaps"]),
        ("diag capture --wait", ["--wait-for-traffic", "--wait-limit"]),
        ("diag capture --require gpu,dev", ["gpu,device-trace"]),
        ("diag completion ", ["bash", "zsh", "fish"]),
    ],
)
def test_bash_offers_commands_options_and_values(
    line: str, offered: list[str], tmp_path: Path
) -> None:
    assert completed_by_bash(line, tmp_path) == offered


def answered(shell: str, words: str, cword: str) -> str:
    """What diag answers to the script of a shell."""
    environ = {
        **os.environ,
        "_DIAG_COMPLETE": f"{shell}_complete",
        "COMP_WORDS": words,
        "COMP_CWORD": cword,
    }
    done = subprocess.run([str(DIAG)], capture_output=True, check=True, env=environ, text=True)
    assert done.stderr == ""
    return done.stdout


def test_zsh_gets_each_name_with_its_summary() -> None:
    first, *_ = script("zsh").splitlines()
    assert first == "#compdef diag"
    kind, name, summary = answered("zsh", "diag ana", "1").splitlines()
    assert (kind, name) == ("plain", "analyze")
    assert summary.startswith("Explain where the time")


def test_fish_gets_each_name_with_its_summary() -> None:
    assert "complete --no-files --command diag" in script("fish")
    (line,) = answered("fish", "diag ana", "ana").splitlines()
    assert line.startswith("plain,analyze\tExplain where the time")


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_script_says_how_to_install_it(shell: str) -> None:
    assert f"diag completion {shell}" in "\n".join(script(shell).splitlines()[:4])
