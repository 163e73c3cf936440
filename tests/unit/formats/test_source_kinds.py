"""The same bundle as a path, bytes, a file object and a URL."""

from __future__ import annotations

import io
import os
import sys
from pathlib import Path

import fsspec
import pytest

from diag.errors import InputError, SourceNotFoundError, UsageError
from diag.formats.remote import read_url, without_secrets
from diag.formats.source import Decoding, open_bundle
from diag.formats.spool import copied
from diag.model.capture import Capture
from diag.model.samples import SampleSeries
from tests.unit.formats.test_bundle import SERIES, TRACE, write_bundle


@pytest.fixture(name="memory")
def _memory() -> fsspec.AbstractFileSystem:
    """An fsspec filesystem that is empty again after the test."""
    filesystem = fsspec.filesystem("memory")
    yield filesystem
    filesystem.store.clear()
    filesystem.pseudo_dirs[:] = [""]


def content(capture: Capture) -> tuple[object, ...]:
    events = [len(plane.events) for plane in capture.planes]
    return capture.origin_unix_ns, capture.window, events, capture.host_samples


@pytest.mark.parametrize("packed", [True, False], ids=["zip", "trace"])
@pytest.mark.parametrize("kind", ["bytes", "bytearray", "memoryview", "file", "stream", "str"])
def test_every_kind_of_source_gives_the_capture_of_the_path(
    tmp_path: Path, kind: str, packed: bool
) -> None:
    path = tmp_path / ("b.zip" if packed else "t.xplane.pb")
    if packed:
        write_bundle(path)
    else:
        path.write_bytes(TRACE)
    data = path.read_bytes()
    expected = content(open_bundle(path))
    if kind == "file":
        with path.open("rb") as file:
            capture = open_bundle(file)
            assert not file.closed
        assert capture.name == open_bundle(path).name
    elif kind == "str":
        capture = open_bundle(str(path))
    else:
        made = {"bytes": bytes, "bytearray": bytearray, "memoryview": memoryview}
        capture = open_bundle(made.get(kind, io.BytesIO)(data))
        assert capture.name == "capture"
    assert content(capture) == expected


def test_a_pipe_is_read_to_its_end(tmp_path: Path) -> None:
    data = write_bundle(tmp_path / "b.zip").read_bytes()
    reading, writing = os.pipe()
    with open(writing, "wb") as sender:  # noqa: PTH123 - a descriptor has no path
        sender.write(data)
    with open(reading, "rb") as receiver:  # noqa: PTH123 - a descriptor has no path
        assert open_bundle(receiver).host_samples == SERIES


def test_an_endless_stream_is_refused_at_the_limit() -> None:
    class Zeros(io.RawIOBase):
        def read(self, size: int = -1, /) -> bytes:
            return bytes(size)

    with pytest.raises(InputError, match="more than 3,145,728 bytes"):
        copied(Zeros().read, 3 << 20, "zeros")


@pytest.mark.parametrize("data", [b"", b"PK\x03\x04 cut off", b'{"traceEvents": []}'])
def test_bytes_that_are_no_source_are_refused_as_in_a_file(data: bytes) -> None:
    with pytest.raises(InputError) as caught:
        open_bundle(data)
    assert caught.value.message.startswith(f"{len(data)} bytes: ")


def test_what_cannot_be_read_as_bytes_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="a file in text mode") as caught:
        open_bundle(io.StringIO("text"))
    assert "'rb'" in caught.value.hint
    with pytest.raises(UsageError, match="of type int"):
        open_bundle(7)


@pytest.mark.parametrize("name", ["b.zip", "t.xplane.pb", "logs"])
def test_a_url_is_read_like_the_path(
    tmp_path: Path, memory: fsspec.AbstractFileSystem, name: str
) -> None:
    path = tmp_path / name
    if name == "t.xplane.pb":
        path.write_bytes(TRACE)
    else:
        write_bundle(path)
    memory.put(str(path), f"/bucket/{name}", recursive=True)
    capture = open_bundle(f"memory://bucket/{name}")
    assert content(capture) == content(open_bundle(path))
    assert capture.name == open_bundle(path).name
    assert content(open_bundle(path.as_uri())) == content(capture)


def test_the_runs_of_a_log_directory_behind_a_url_are_listed(
    tmp_path: Path, memory: fsspec.AbstractFileSystem
) -> None:
    for day in ("monday", "tuesday"):
        memory.put(str(write_bundle(tmp_path / day)), f"/logs/{day}", recursive=True)
    with pytest.raises(InputError, match=r"memory://logs: 2 runs"):
        open_bundle("memory://logs")
    assert open_bundle("memory://logs", run="monday").name == "monday"
    assert isinstance(open_bundle("memory://logs", run="newest").host_samples, SampleSeries)


def test_nothing_behind_a_url_is_no_source(memory: fsspec.AbstractFileSystem) -> None:
    with pytest.raises(SourceNotFoundError, match="no such file"):
        open_bundle("memory://bucket/gone.zip")
    with pytest.raises(InputError, match="cannot be read") as caught:
        open_bundle("nosuchprotocol://bucket/b.zip")
    assert "nosuchprotocol" in caught.value.cause


def test_a_download_is_bounded(memory: fsspec.AbstractFileSystem) -> None:
    memory.pipe("/big.zip", bytes((1 << 20) + 1))
    with pytest.raises(InputError, match="more than 1,048,576 bytes"):
        read_url("memory://big.zip", Decoding(), None, max_bytes=1 << 20)


def test_without_fsspec_the_pip_command_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "fsspec", None)  # importing it fails
    with pytest.raises(UsageError, match="a URL as source needs fsspec") as caught:
        open_bundle("s3://bucket/b.zip")
    assert caught.value.hint == "pip install 'tfserving-diag[remote]'"


def test_a_backend_that_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(url: str) -> None:
        raise ImportError("Install s3fs to access S3")

    monkeypatch.setattr(fsspec.core, "url_to_fs", absent)
    with pytest.raises(UsageError, match="s3://bucket") as caught:
        open_bundle("s3://bucket/b.zip")
    assert caught.value.cause == "Install s3fs to access S3"


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://u:secret@host/b.zip?sig=secret#secret", "https://host/b.zip"),
        ("s3://bucket/a@b/c.zip", "s3://bucket/a@b/c.zip"),
        ("simplecache::s3://bucket/b.zip", "simplecache::s3://bucket/b.zip"),
    ],
)
def test_no_message_has_the_secrets_of_a_url(url: str, shown: str) -> None:
    assert without_secrets(url) == shown


def test_a_path_with_a_colon_is_a_path(tmp_path: Path) -> None:
    path = tmp_path / "10.0.0.7:8500.xplane.pb"
    path.write_bytes(TRACE)
    assert open_bundle(str(path)).name == "10.0.0.7:8500"
