from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from benchmarks.big_space import big_space
from diag.formats.trace.xspace import decode_space
from tests.oracle.xspace_comparison import assert_agrees_with_oracle

PEAKS = """
import sys
from pathlib import Path
from benchmarks.measured import peak_memory_bytes
from diag.formats.trace.xspace import decode_space
before = peak_memory_bytes()
space = decode_space(Path(sys.argv[1]).read_bytes())
print(peak_memory_bytes() - before, sum(len(plane.events) for plane in space.planes))
"""


def test_the_generated_trace_is_sound_and_always_the_same() -> None:
    data, events = big_space(20_000)
    assert big_space(20_000) == (data, events)
    assert assert_agrees_with_oracle(decode_space(data), data) == events
    assert 19_000 < events <= 20_000
    assert 20 < len(data) / events < 32


def test_decoding_takes_less_than_four_times_the_files_memory(tmp_path: Path) -> None:
    data, events = big_space(800_000)
    trace = tmp_path / "big.xplane.pb"
    trace.write_bytes(data)
    done = subprocess.run(
        [sys.executable, "-c", PEAKS, str(trace)], check=True, capture_output=True, text=True
    )
    grown, decoded = map(int, done.stdout.split())
    assert decoded == events
    assert grown < 4 * len(data)
