from __future__ import annotations

import os
from pathlib import Path

import pytest

from diag.capture.samplers.remote.token import (
    TOKEN_VARIABLE,
    check_private,
    is_authorized,
    read_token,
)
from diag.errors import UsageError

TOKEN = "correct-horse-battery-staple"


def secret(folder: Path, text: str = f"{TOKEN}\n", mode: int = 0o600) -> Path:
    path = folder / "token"
    path.write_text(text)
    path.chmod(mode)
    return path


def test_a_file_gives_its_line_and_wins_over_the_variable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(TOKEN_VARIABLE, "a-token-of-the-environment")
    assert read_token(secret(tmp_path), "token") == TOKEN
    assert read_token(None, "token") == "a-token-of-the-environment"
    monkeypatch.setenv(TOKEN_VARIABLE, " ")
    assert read_token(None, "token") == ""
    monkeypatch.delenv(TOKEN_VARIABLE)
    assert read_token(None, "token") == ""


@pytest.mark.parametrize(
    "text", ["", "\n", "short", "x" * 513, "two words of a token", "tökentökentöken"]
)
def test_what_is_no_token_is_refused_and_not_quoted(tmp_path: Path, text: str) -> None:
    path = secret(tmp_path, text)
    with pytest.raises(UsageError, match="holds no valid token") as caught:
        read_token(path, "token")
    assert "openssl rand -hex 32" in caught.value.hint
    assert not text.strip() or text.strip() not in f"{caught.value.message}{caught.value.cause}"


def test_a_short_token_in_the_variable_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(TOKEN_VARIABLE, "short")
    with pytest.raises(UsageError, match=f"the variable {TOKEN_VARIABLE} holds no valid token"):
        read_token(None, "token")


@pytest.mark.parametrize(
    ("mode", "is_private"),
    [(0o600, True), (0o400, True), (0o440, True), (0o444, False), (0o604, False), (0o660, False)],
)
def test_a_secret_may_be_read_by_its_owner_and_group_only(
    tmp_path: Path, mode: int, is_private: bool
) -> None:
    path = secret(tmp_path, mode=mode)
    if is_private:
        check_private(path, "certificate.key")
        return
    with pytest.raises(UsageError, match=f"by other users .mode {mode:04o}."):
        check_private(path, "certificate.key")


def test_a_pipe_that_nobody_writes_to_is_refused_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "token", 0o600)
    with pytest.raises(UsageError, match=r"`token` .*/token is not a regular file"):
        read_token(tmp_path / "token", "token")


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"`token` .*/token cannot be read") as caught:
        read_token(tmp_path / "token", "token")
    assert caught.value.cause == "No such file or directory"


@pytest.mark.parametrize(
    ("value", "is_right"),
    [
        (f"Bearer {TOKEN}", True),
        (f"bearer {TOKEN}", False),
        (TOKEN, False),
        (f"Bearer {TOKEN} ", False),
        ("", False),
        (b"Bearer \xff", False),
        (None, False),
    ],
)
def test_only_the_whole_token_counts(value: str | bytes | None, is_right: bool) -> None:
    assert is_authorized(TOKEN, value) is is_right
