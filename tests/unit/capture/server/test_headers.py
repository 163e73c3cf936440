from __future__ import annotations

from pathlib import Path

import pytest

from diag.capture.server.headers import parse_headers, read_headers
from diag.errors import UsageError


def test_names_are_lowered_and_comments_skipped() -> None:
    text = "# a comment\n\nAuthorization:  Bearer a:b \nx-tenant: 7\n"
    assert parse_headers(text, "here") == (("authorization", "Bearer a:b"), ("x-tenant", "7"))


def test_binary_values_are_base64() -> None:
    assert parse_headers("id-bin: AP8=", "here") == (("id-bin", b"\x00\xff"),)


@pytest.mark.parametrize(
    "line",
    [
        "s3cret",
        "s3 cret: x",
        ": s3cret",
        "grpc-timeout: s3cret",
        "te: s3cret",
        "x: s3crét",
        "x-bin: s3cret!",
        ":authority: s3cret",
    ],
)
def test_a_mistake_is_named_by_its_line_and_never_quoted(line: str) -> None:
    with pytest.raises(UsageError, match="here, line 2") as caught:
        parse_headers(f"a: b\n{line}", "here")
    assert "s3cr" not in f"{caught.value.message}{caught.value.cause}{caught.value.hint}"


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be read"):
        read_headers(tmp_path / "none")


def test_a_file_beyond_reason(tmp_path: Path) -> None:
    (tmp_path / "h").write_bytes(b"a: b\n" * 20_000)
    with pytest.raises(UsageError, match="larger than"):
        read_headers(tmp_path / "h")
