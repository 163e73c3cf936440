"""``diag capture`` as a command: its output on stdout and stderr, and its exit status."""

from __future__ import annotations

import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from diag.formats.source import open_bundle
from tests.support.certificates import make_certificates
from tests.support.serving import NOTHING, http_server, serving
from tests.support.shell import QUICK, diag, labels, listens
from tests.support.tensorflow_profiler import tensorflow_profiler


@pytest.fixture(scope="module")
def tensorflow() -> Iterator[str]:
    with tensorflow_profiler() as address:
        yield address


@pytest.mark.tensorflow
def test_one_command_prints_a_verdict_on_the_real_runtime(tensorflow: str, tmp_path: Path) -> None:
    done = diag("capture", "--server", tensorflow, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    (bundle,) = tmp_path.iterdir()
    assert re.fullmatch(r"diag-\d{8}T\d{6}Z", bundle.name)
    assert done.stdout.endswith(f"\nbundle: {bundle.name}\n")
    warming_up, size, profiling, *_ = done.stderr.splitlines()
    assert warming_up == "warming up for 0.2 s"
    assert size.startswith("expecting about ")
    assert profiling.startswith(f"profiling {tensorflow} for 2 s")
    assert "wrote diag-" in done.stderr
    capture = open_bundle(bundle)
    runs = next(plane for plane in capture.planes if plane.name == "/host:CPU").events
    # 5 ms of sleep and the run itself: at most 200 a second.
    assert 100 < len(runs.rows_named("SessionRun")) <= 400
    assert 1.9e9 < capture.window.duration_ns < 2.2e9


@pytest.mark.tensorflow
def test_level_1_sees_no_unbatched_request_and_says_so(tensorflow: str, tmp_path: Path) -> None:
    arguments = ("--host-tracer-level", "1", *QUICK, "-o", "b")
    done = diag("capture", "--server", tensorflow, *arguments, cwd=tmp_path)
    assert done.returncode == 5
    assert done.stdout == ""
    assert "level 1 does not record requests without batching" in done.stderr
    assert "--host-tracer-level 2" in done.stderr


@pytest.mark.tensorflow
def test_waiting_finds_unbatched_traffic_without_metrics(tensorflow: str, tmp_path: Path) -> None:
    arguments = ("--wait-for-traffic", *QUICK, "-o", "b.zip")
    done = diag("capture", "--server", tensorflow, *arguments, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "waiting for requests" in done.stderr


@pytest.mark.tensorflow
def test_ctrl_c_keeps_what_the_real_runtime_recorded(tensorflow: str, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "diag", "capture", "--server", tensorflow, *QUICK[:3]]
    with subprocess.Popen(
        [*command, "--duration", "8s", "-o", "b"],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stderr is not None
        while not process.stderr.readline().startswith("profiling"):
            assert process.poll() is None
        time.sleep(2.0)
        process.send_signal(signal.SIGINT)
        stdout, stderr = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "keeping the recording" in stderr
    assert stdout.endswith("bundle: b\n")
    assert 0.2e9 < open_bundle(tmp_path / "b").window.duration_ns < 6e9
    # No lock was left: the next capture works.
    assert diag("capture", "--server", tensorflow, *QUICK, "-o", "c", cwd=tmp_path).returncode == 0


def test_ctrl_c_while_waiting_leaves_nothing(tmp_path: Path) -> None:
    with serving(lines=NOTHING) as server:
        command = [sys.executable, "-m", "diag", "capture", "--server", server.address, *QUICK]
        with subprocess.Popen(
            [*command, "--wait-for-traffic", "-o", "b"],
            cwd=tmp_path,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as process:
            assert server.recording.wait(20)
            process.send_signal(signal.SIGINT)
            stdout, stderr = process.communicate(timeout=20)
        assert process.returncode == 130
        assert stdout == ""
        assert "interrupted" in stderr
        assert "Traceback" not in stderr
        deadline = time.monotonic() + 5
        while not server.is_free and time.monotonic() < deadline:
            time.sleep(0.01)
        assert server.is_free
    assert list(tmp_path.iterdir()) == []


def test_the_server_is_an_argument_an_option_or_a_variable(tmp_path: Path) -> None:
    with serving() as server:
        for number, named in enumerate(([server.address], ["-s", server.address], [])):
            place = ("-o", f"b{number}")
            done = diag("capture", *named, *QUICK, *place, cwd=tmp_path, DIAG_SERVER=server.address)
            assert done.returncode == 0, done.stderr
        overridden = diag(
            "capture", server.address, *QUICK, "-o", "b", cwd=tmp_path, DIAG_SERVER="elsewhere:1"
        )
    assert overridden.returncode == 0, overridden.stderr


def test_two_servers_are_refused_and_none_is_asked_for(tmp_path: Path) -> None:
    two = diag("capture", "one:8500", "--server", "two:8500", cwd=tmp_path)
    assert two.returncode == 2
    assert "one:8500 and --server two:8500" in two.stderr
    none = diag("capture", "--ca-cert", "my ca.pem", cwd=tmp_path, DIAG_SERVER="")
    assert none.returncode == 2
    assert none.stderr.splitlines() == [
        "error: no server is named",
        "hint:  name it, or set the variable DIAG_SERVER:",
        "       diag capture --ca-cert 'my ca.pem' --server localhost:8500",
    ]


def test_a_duration_without_a_unit_is_in_seconds(tmp_path: Path) -> None:
    with serving() as server:
        done = diag("capture", server.address, *QUICK[:3], "-d", "0.2", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "for 0.2 s" in done.stderr


def test_an_error_is_three_lines_on_stderr_and_nothing_on_stdout(tmp_path: Path) -> None:
    server = f"127.0.0.1:{listens()}"
    done = diag("capture", "-q", "--server", server, cwd=tmp_path)
    assert done.returncode == 4
    assert done.stdout == ""
    assert labels(done.stderr) == ["error", "cause", "hint"]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("--server", "127.0.0.1"), 2),
        (("--server", "name.invalid:8500"), 4),
        (("--server", "127.0.0.1:{free}"), 4),
        (("--server", "127.0.0.1:{taken}", "--ca-cert", "."), 2),
    ],
    ids=["no port", "no such name", "nothing listens", "no certificate file"],
)
def test_what_cannot_be_profiled_is_not_announced(
    arguments: tuple[str, ...], code: int, tmp_path: Path
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        ports = {"free": listens(), "taken": taken.getsockname()[1]}
        done = diag("capture", *(each.format(**ports) for each in arguments), cwd=tmp_path)
    assert done.returncode == code
    assert labels(done.stderr)[0] == "error"
    assert set(labels(done.stderr)) <= {"error", "cause", "hint"}
    assert list(tmp_path.iterdir()) == []


def test_tls_spoken_to_a_plaintext_port_shows_our_lines_only(tmp_path: Path) -> None:
    with serving() as server:
        arguments = ("capture", "--server", server.address, "--tls")
        quiet = diag(*arguments, "-q", cwd=tmp_path)
        very_verbose = diag(*arguments, "-vv", cwd=tmp_path)
        asked_of_grpc = diag(*arguments, "-q", cwd=tmp_path, GRPC_VERBOSITY="info")
        traced = diag(*arguments, "-q", cwd=tmp_path, GRPC_TRACE="http")
    assert quiet.returncode == 4
    assert labels(quiet.stderr) == ["error", "cause", "hint"]
    assert quiet.stderr.endswith(f"       diag capture --server {server.address} --quiet\n")
    for done in (very_verbose, asked_of_grpc, traced):
        assert "Handshake failed" in done.stderr


def test_an_untrusted_certificate_shows_our_lines_only(tmp_path: Path) -> None:
    certificates = make_certificates(tmp_path)
    with serving("localhost:0", certificates.server()) as server:
        arguments = ("--server", server.address, "--ca-cert", str(certificates.other_ca_file))
        done = diag("capture", "-q", *arguments, cwd=tmp_path)
    assert done.returncode == 4
    assert labels(done.stderr) == ["error", "cause", "hint"]


def test_the_rest_port_is_told_apart(tmp_path: Path) -> None:
    with http_server({}) as url:
        server = url.removeprefix("http://")
        done = diag("capture", "-q", "--server", server, cwd=tmp_path)
    assert done.returncode == 4
    assert "\n       diag capture --quiet --server 127.0.0.1:8500\n" in done.stderr


def test_an_empty_window_is_exit_5_and_keeps_the_bundle(tmp_path: Path) -> None:
    with serving(lines=NOTHING) as server:
        done = diag("capture", "--server", server.address, *QUICK, "-o", "b", cwd=tmp_path)
    assert done.returncode == 5
    assert done.stdout == ""
    assert (tmp_path / "b" / "diag" / "manifest.json").is_file()
    again = diag("analyze", "b", cwd=tmp_path)
    assert again.returncode == 5
    assert again.stdout.count("\n") > 5
    assert again.stderr == ""


def test_a_missing_required_source_is_exit_6(tmp_path: Path) -> None:
    with serving() as server:
        arguments = ("--require", "metrics,server", "--no-warmup", "-o", "b")
        done = diag("capture", "--server", server.address, *arguments, cwd=tmp_path)
    assert done.returncode == 6
    assert "profiling" not in done.stderr.replace("not profiled", "")
    assert labels(done.stderr) == ["error", "cause", "hint"]
    assert not (tmp_path / "b").exists()


def test_corrupt_bytes_are_exit_3(tmp_path: Path) -> None:
    with serving(raw=b"\x0a\xff\xff") as server:
        done = diag("capture", "--server", server.address, *QUICK, "-o", "b", cwd=tmp_path)
    assert done.returncode == 3
    assert not (tmp_path / "b").exists()


def test_an_unwritable_place_is_exit_7(tmp_path: Path) -> None:
    with serving() as server:
        arguments = ("--server", server.address, *QUICK, "-o", "missing/b")
        done = diag("capture", *arguments, cwd=tmp_path)
        assert server.calls == []
    assert done.returncode == 7


def test_long_recordings_need_leave(tmp_path: Path) -> None:
    done = diag("capture", "--server", "localhost:8500", "--duration", "11s", cwd=tmp_path)
    assert done.returncode == 2
    assert "--allow-long" in done.stderr


def test_headers_come_from_the_environment_or_a_file(tmp_path: Path) -> None:
    (tmp_path / "headers.txt").write_text("# from vault\nAuthorization: Bearer t0ken\n")
    with serving(want_token="Bearer t0ken") as server:
        arguments = ("capture", "-vv", "--server", server.address, *QUICK, "--force", "-o", "b")
        refused = diag(*arguments, cwd=tmp_path, DIAG_HEADERS="authorization: Bearer 0ther")
        by_variable = diag(*arguments, cwd=tmp_path, DIAG_HEADERS="authorization: Bearer t0ken")
        by_file = diag(*arguments, "--headers-file", "headers.txt", cwd=tmp_path)
    assert refused.returncode == 4
    assert "0ther" not in refused.stderr
    assert by_variable.returncode == 0, by_variable.stderr
    assert by_file.returncode == 0, by_file.stderr
    assert "t0ken" not in by_variable.stderr + by_variable.stdout + by_file.stderr


def test_a_broken_batching_parameters_file_costs_no_capture(tmp_path: Path) -> None:
    (tmp_path / "p.txt").write_text("max_batch_sise { value: 8 }")
    with serving() as server:
        arguments = ("--server", server.address, "--batching-parameters", "p.txt")
        done = diag("capture", *arguments, cwd=tmp_path)
        assert server.calls == []
    assert done.returncode == 3
    assert "max_batch_size" in done.stderr


def test_the_help_has_headings_and_examples(tmp_path: Path) -> None:
    done = diag("capture", "--help", cwd=tmp_path)
    assert done.returncode == 0
    headings = re.findall(r"^([A-Z][^\n:]*):$", done.stdout, re.M)
    assert headings == [
        "Server",
        "Recording",
        "Output",
        "Analysis",
        "Other sources",
        "Server on another machine",
        "Security",
        "Servers older than TensorFlow 2.21",
        "Other options",
    ]
    assert "  diag capture localhost:8500\n" in done.stdout
