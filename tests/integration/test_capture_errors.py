"""Every way a capture can fail, against real sockets, and the state of the server afterwards."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import textwrap
import threading
from pathlib import Path
from typing import Any

import grpc
import pytest

from diag.capture.plan import MS, SECOND, CapturePlan, TlsOptions
from diag.capture.session import capture_bundle
from diag.errors import (
    CaptureError,
    CaptureTimeoutError,
    OutputError,
    ProfilerBusyError,
    ProfilerDisabledError,
    RequiredSourceError,
    ResponseTooLargeError,
    ServerTooOldError,
    ServerUnreachableError,
    TlsError,
    WrongProtocolError,
    XSpaceDecodeError,
)
from diag.formats.source import open_bundle
from diag.model.availability import Unavailable
from diag.testing.xspace_builder import build_space
from tests.support.certificates import Certificates, make_certificates
from tests.support.serving import REQUESTS, http_server, serving

FAST: dict[str, Any] = {
    "duration_ns": 50 * MS,
    "timeout_ns": 3 * SECOND,
    "collect_timeout_ns": 10 * SECOND,
    "metrics": "off",
    "warmup": False,
}


def plan(server: str, **changes: Any) -> CapturePlan:
    return CapturePlan(server=server, **(FAST | changes))


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return make_certificates(tmp_path_factory.mktemp("certificates"))


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    folder = tmp_path / "out"
    folder.mkdir()
    return folder / "bundle"


def assert_nothing_written(bundle: Path) -> None:
    assert list(bundle.parent.iterdir()) == []


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


def test_nothing_listens(bundle: Path) -> None:
    server = f"127.0.0.1:{free_port()}"
    with pytest.raises(ServerUnreachableError, match="nothing answers") as caught:
        capture_bundle(plan(server), bundle)
    assert "refused" in caught.value.cause
    assert "8500" in caught.value.hint
    assert_nothing_written(bundle)


def test_a_name_that_does_not_resolve(bundle: Path) -> None:
    with pytest.raises(ServerUnreachableError, match=r"no-such-host\.invalid cannot be resolved"):
        capture_bundle(plan("no-such-host.invalid:8500"), bundle)


def test_the_rest_port_instead_of_grpc(bundle: Path) -> None:
    with http_server({}) as url, pytest.raises(WrongProtocolError, match="speaks HTTP") as caught:
        capture_bundle(plan(url.removeprefix("http://")), bundle)
    assert caught.value.retry == {"server": "127.0.0.1:8500"}
    assert_nothing_written(bundle)


def test_a_port_that_accepts_and_says_nothing_is_a_timeout(bundle: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        server = f"127.0.0.1:{silent.getsockname()[1]}"
        with pytest.raises(CaptureTimeoutError):
            capture_bundle(plan(server, timeout_ns=300 * MS), bundle)


def test_plaintext_spoken_to_a_tls_server(bundle: Path, certificates: Certificates) -> None:
    with (
        serving("localhost:0", certificates.server()) as server,
        pytest.raises(WrongProtocolError, match="speaks TLS") as caught,
    ):
        capture_bundle(plan(server.address), bundle)
    assert "`tls`" in caught.value.hint
    assert_nothing_written(bundle)


def test_plaintext_spoken_to_a_mutual_tls_server(bundle: Path, certificates: Certificates) -> None:
    with (
        serving("localhost:0", certificates.server(mutual=True)) as server,
        pytest.raises(WrongProtocolError, match="speaks TLS"),
    ):
        capture_bundle(plan(server.address), bundle)


def test_tls_spoken_to_a_plaintext_server(bundle: Path, certificates: Certificates) -> None:
    tls = TlsOptions(ca_cert=certificates.ca_file)
    with serving() as server, pytest.raises(WrongProtocolError, match="TLS") as caught:
        capture_bundle(plan(server.address, tls=tls), bundle)
    assert "`tls`" in caught.value.hint


def test_a_certificate_of_an_unknown_authority(bundle: Path, certificates: Certificates) -> None:
    tls = TlsOptions(ca_cert=certificates.other_ca_file)
    with (
        serving("localhost:0", certificates.server()) as server,
        pytest.raises(TlsError, match="not trusted") as caught,
    ):
        capture_bundle(plan(server.address, tls=tls), bundle)
    assert "`tls.ca_cert`" in caught.value.hint


def test_a_certificate_for_another_name(bundle: Path, tmp_path: Path) -> None:
    elsewhere = make_certificates(tmp_path, host="tfs.example.org")
    tls = TlsOptions(ca_cert=elsewhere.ca_file)
    with serving("localhost:0", elsewhere.server()) as server:
        with pytest.raises(TlsError, match="for the name localhost") as caught:
            capture_bundle(plan(server.address, tls=tls), bundle)
        assert "`authority`" in caught.value.hint
        named = plan(server.address, tls=tls, authority="tfs.example.org")
        assert capture_bundle(named, bundle).path == bundle


def test_mutual_tls_without_a_client_certificate(bundle: Path, certificates: Certificates) -> None:
    tls = TlsOptions(ca_cert=certificates.ca_file)
    with (
        serving("localhost:0", certificates.server(mutual=True)) as server,
        pytest.raises(TlsError, match="refused the TLS handshake") as caught,
    ):
        capture_bundle(plan(server.address, tls=tls), bundle)
    assert "`tls.client_cert`" in caught.value.hint


def test_profiler_disabled(bundle: Path) -> None:
    with serving(generation="none", models={}) as server:
        with pytest.raises(ProfilerDisabledError) as caught:
            capture_bundle(plan(server.address), bundle)
        assert server.profiles == []
    assert "--enable_profiler" in caught.value.hint


def test_another_session_is_active(bundle: Path) -> None:
    with serving(busy=True) as server:
        with pytest.raises(ProfilerBusyError, match="someone else") as caught:
            capture_bundle(plan(server.address), bundle)
        assert len(server.profiles) == 1  # never tried again
    assert caught.value.cause == "Another profiling session active."
    assert_nothing_written(bundle)


def test_a_continuous_session_of_someone_else_is_left_alone(bundle: Path) -> None:
    with serving(continuous=True) as server:
        with pytest.raises(ProfilerBusyError, match="continuously"):
            capture_bundle(plan(server.address), bundle)
        assert server.profiles == []
        assert server.calls == ["/tensorflow.ProfilerService/GetSnapshot"]


def test_an_older_server_is_not_made_to_write_anywhere(bundle: Path) -> None:
    with serving(generation="2.20") as server:
        with pytest.raises(ServerTooOldError) as caught:
            capture_bundle(plan(server.address), bundle)
        assert server.profiles == []
    assert "`repository.root`" in caught.value.hint
    assert "docker cp" in caught.value.hint
    assert "kubectl cp" in caught.value.hint


def test_a_server_that_hangs_is_given_up_and_let_go(bundle: Path) -> None:
    with serving(hang=True) as server:
        with pytest.raises(CaptureTimeoutError, match="while recording") as caught:
            capture_bundle(plan(server.address, collect_timeout_ns=300 * MS), bundle)
        assert server.profiles[0].session_id in server.terminated
    assert "`collect_timeout_ns`" in caught.value.hint
    assert_nothing_written(bundle)


def test_a_response_beyond_the_receive_limit(bundle: Path) -> None:
    with (
        serving() as server,
        pytest.raises(ResponseTooLargeError, match="largest accepted answer") as caught,
    ):
        capture_bundle(plan(server.address, receive_max_bytes=100), bundle)
    assert "larger than max" in caught.value.cause
    assert "`duration_ns`" in caught.value.hint


def test_a_predicted_size_beyond_max_bytes_is_refused_after_the_warm_up(bundle: Path) -> None:
    with serving() as server:
        wanted = plan(server.address, warmup=True, duration_ns=10 * SECOND, max_bytes=20_000)
        with pytest.raises(ResponseTooLargeError, match="`max_bytes`") as caught:
            capture_bundle(wanted, bundle)
        assert [request.opts.duration_ms for request in server.profiles] == [200]
    assert caught.value.retry == {"duration_ns": 5_400 * MS}
    assert_nothing_written(bundle)


def test_corrupt_bytes_are_an_input_error(bundle: Path) -> None:
    with serving(raw=build_space("plane /host:CPU\nline a\n  X 1..2ms")[:-3]) as server:
        with pytest.raises(XSpaceDecodeError):
            capture_bundle(plan(server.address), bundle)
        assert server.is_free
    assert_nothing_written(bundle)


def test_an_answer_that_is_no_message_is_a_capture_error(bundle: Path) -> None:
    with (
        serving(garbage=b"\xff\xff\xff") as server,
        pytest.raises(CaptureError, match="failed while recording"),
    ):
        capture_bundle(plan(server.address), bundle)
    assert_nothing_written(bundle)


def test_an_unwritable_place_is_found_before_the_server_is_touched(tmp_path: Path) -> None:
    with serving() as server:
        with pytest.raises(OutputError):
            capture_bundle(plan(server.address), tmp_path / "missing" / "bundle")
        assert server.calls == []


def test_an_existing_bundle_is_not_replaced_without_force(bundle: Path) -> None:
    with serving() as server:
        capture_bundle(plan(server.address), bundle)
        before = len(server.calls)
        with pytest.raises(OutputError, match="exists"):
            capture_bundle(plan(server.address), bundle)
        assert len(server.calls) == before
        assert capture_bundle(plan(server.address), bundle, force=True).path == bundle


def test_a_server_without_resources(bundle: Path) -> None:
    refusal = (grpc.StatusCode.RESOURCE_EXHAUSTED, "Server Threadpool Exhausted")
    with serving(refusal=refusal) as server, pytest.raises(CaptureError, match="no resources") as e:
        capture_bundle(plan(server.address, timeout_ns=500 * MS), bundle)
    assert "--grpc_max_threads" in e.value.hint
    assert len(server.calls) > 2, "a refused call is made again"


def test_credentials_are_asked_for_and_never_shown(bundle: Path) -> None:
    secret = "Bearer s3cret"
    with serving(want_token=secret) as server:
        with pytest.raises(CaptureError, match="refused the call") as caught:
            capture_bundle(plan(server.address, headers=(("authorization", "wrong-one"),)), bundle)
        assert "`headers`" in caught.value.hint
        assert "wrong-one" not in f"{caught.value.message}{caught.value.cause}{caught.value.hint}"
        outcome = capture_bundle(plan(server.address, headers=(("authorization", secret),)), bundle)
    contents = b"".join(path.read_bytes() for path in outcome.path.rglob("*") if path.is_file())
    assert b"s3cret" not in contents


def test_a_source_required_but_missing_is_refused_before_profiling(bundle: Path) -> None:
    with serving() as server:
        with pytest.raises(RequiredSourceError, match="not profiled") as caught:
            capture_bundle(plan(server.address, require=frozenset({"server"})), bundle)
        assert server.profiles == []
    assert "no model name is known" in caught.value.cause
    assert_nothing_written(bundle)


def test_a_required_source_lost_on_the_way_keeps_the_bundle(bundle: Path) -> None:
    answers = iter([(200, b":a:b 1\n"), (200, b":a:b 1\n"), (500, b"broken")])
    with serving() as server, http_server({"/m": lambda: next(answers)}) as url:
        wanted = plan(server.address, metrics=f"{url}/m", require=frozenset({"metrics"}))
        with pytest.raises(RequiredSourceError, match="all other parts are in") as caught:
            capture_bundle(wanted, bundle)
    assert "500" in caught.value.cause
    metrics = open_bundle(bundle).metrics
    assert isinstance(metrics, Unavailable)
    assert "500" in metrics.reason


REFUSED = "error CUPTI_ERROR_INSUFFICIENT_PRIVILEGES"
PLANE = "plane /device:GPU:0\nline Stream #7(Compute)"
WORK = 'gemm 5..6ms kernel_details="regs:32"'


@pytest.mark.parametrize(
    ("lines", "cause"),
    [
        (REQUESTS, "device-trace: the trace has no GPU plane"),
        (f"{REQUESTS}\n{PLANE}", "device-trace: no GPU plane of the trace holds an event"),
        (f"{REQUESTS}\n{REFUSED}", "tracer: CUPTI_ERROR_INSUFFICIENT_PRIVILEGES"),
    ],
)
def test_a_required_device_trace_that_did_not_come_keeps_the_bundle(
    bundle: Path, lines: str, cause: str
) -> None:
    with (
        serving(lines=lines) as server,
        pytest.raises(RequiredSourceError, match=f"`require` .*device-trace.*{bundle}") as caught,
    ):
        capture_bundle(plan(server.address, require=frozenset({"device-trace"})), bundle)
    assert caught.value.exit_code == 6
    assert cause in caught.value.cause
    assert open_bundle(bundle).planes


def test_a_required_device_trace_that_came_is_enough(bundle: Path) -> None:
    with serving(lines=f"{REQUESTS}\n{PLANE}\n{WORK}") as server:
        wanted = plan(server.address, require=frozenset({"device-trace"}))
        assert capture_bundle(wanted, bundle).path == bundle


DYING_SERVER = """
    import os
    from tests.support.serving import serving
    with serving() as state:
        print(state.address, flush=True)
        state.recording.wait()
        os._exit(1)
"""


def test_a_server_that_dies_while_recording(bundle: Path) -> None:
    command = [sys.executable, "-c", textwrap.dedent(DYING_SERVER)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=_ROOT) as server:
        assert server.stdout is not None
        address = server.stdout.readline().strip()
        with pytest.raises(ServerUnreachableError, match="went away while recording") as caught:
            capture_bundle(plan(address, duration_ns=5 * SECOND), bundle)
    assert "crash" in caught.value.hint
    assert_nothing_written(bundle)


def test_an_exception_while_recording_lets_the_server_go(bundle: Path) -> None:
    class BoomError(Exception):
        pass

    class Exploding:
        def say(self, text: str) -> None: ...

        def advance(self, done_ns: int, total_ns: int) -> None:
            raise BoomError

        def advanced(self) -> None: ...

    with serving(hang=True) as server:
        with pytest.raises(BoomError):
            capture_bundle(plan(server.address), bundle, progress=Exploding())
        assert server.profiles[0].session_id in server.terminated
    assert_nothing_written(bundle)
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("diag-")]


_ROOT = Path(__file__).parents[2]


def test_a_full_disk_is_an_output_error(tmp_path: Path) -> None:
    """A file size limit simulates the full disk: the same call fails with the same class."""
    script = textwrap.dedent("""
        import resource, signal, sys
        from pathlib import Path
        from diag.capture.plan import CapturePlan
        from diag.capture.session import capture_bundle
        from diag.errors import OutputError
        resource.setrlimit(resource.RLIMIT_FSIZE, (200, 200))
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        plan = CapturePlan(server=sys.argv[1], duration_ns=20_000_000, metrics="off", warmup=False)
        try:
            capture_bundle(plan, Path(sys.argv[2]))
        except OutputError as exc:
            print(exc.cause, "|", exc.hint)
    """)
    with serving() as server:
        done = subprocess.run(
            [sys.executable, "-c", script, server.address, str(tmp_path / "bundle")],
            capture_output=True,
            text=True,
            check=True,
            env=os.environ | {"PYTHONDONTWRITEBYTECODE": "1"},
        )
        assert server.is_free
    assert done.stdout == "File too large | free space there, or choose another place with -o\n"
    assert list(tmp_path.iterdir()) == []
