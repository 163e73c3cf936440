"""Ctrl-C and SIGTERM, sent to a real process that records a real server."""

from __future__ import annotations

import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from diag.formats.source import open_bundle
from tests.support.serving import Serving, serving

ROOT = Path(__file__).parents[2]
INTERRUPTED = textwrap.dedent("""
    import sys
    from pathlib import Path
    from diag.capture.plan import CapturePlan
    from diag.capture.session import capture_bundle
    plan = CapturePlan(server=sys.argv[1], duration_ns=8_000_000_000, metrics="off", warmup=False)
    try:
        print(capture_bundle(plan, Path(sys.argv[2])).interrupted)
    except KeyboardInterrupt:
        print("gave up")
""")


def interrupted(server: Serving, bundle: Path, *signals: signal.Signals) -> str:
    command = [sys.executable, "-c", INTERRUPTED, server.address, str(bundle)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
        assert server.recording.wait(20)
        for number in signals:
            time.sleep(0.3)
            process.send_signal(number)
        output, _ = process.communicate(timeout=20)
    return output


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_first_signal_ends_early_and_keeps_the_data(
    tmp_path: Path, number: signal.Signals
) -> None:
    with serving() as server:
        assert interrupted(server, tmp_path / "b", number) == "True\n"
        assert server.ended_by == ["terminated"]
        assert server.terminated == [server.profiles[0].session_id]
    capture = open_bundle(tmp_path / "b")
    assert "interrupted" in {caveat.code for caveat in capture.caveats}
    assert len(capture.planes[1].events) > 0


def test_the_second_signal_gives_up_and_leaves_no_lock(tmp_path: Path) -> None:
    with serving(hang=True) as server:
        server.terminated = _Forgetful()
        assert interrupted(server, tmp_path / "b", signal.SIGINT, signal.SIGINT) == "gave up\n"
        deadline = time.monotonic() + 5
        while not server.is_free and time.monotonic() < deadline:
            time.sleep(0.01)
        assert server.is_free
        assert server.ended_by == ["cancelled"]
    assert list(tmp_path.iterdir()) == []


class _Forgetful(list[str]):
    """A list of ended sessions that contains none, like a server too busy to end one."""

    def __contains__(self, item: object) -> bool:
        return False
