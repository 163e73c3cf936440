"""Reports made by workers, one at a time, and kept by the content they were made of."""

from __future__ import annotations

import hashlib
import subprocess
import sys
import threading
import time
from collections import OrderedDict
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from diag.errors import DiagError
from diag.formats.regular_file import open_regular
from diag.tensorboard.messages import Job, Message, Spot
from diag.tensorboard.runs import Recording
from diag.version import __version__

# Pages are 0.2 to 2 MB each.
KEPT_BYTES = 256 << 20
WORKER_LIMIT_S = 900
WAITING_MAX = 32
_CHUNK_BYTES = 1 << 20
_PAGE_MAX_BYTES = 64 << 20


@dataclass(frozen=True, slots=True)
class Result:
    """A finished page; with ``error`` there is none."""

    page: bytes = b""
    spots: tuple[Spot, ...] = ()
    error: str = ""


@dataclass(slots=True)
class Work:
    """A page that is being made.

    Attributes:
        step: What is done now.
        since_s: Begin on the monotonic clock; waiting time included.
        result: None until it is finished.
    """

    step: str = "waiting for other reports"
    since_s: float = field(default_factory=time.monotonic)
    result: Result | None = None


# Of each recording the paths, sizes and times of its files: what tells that it has changed.
_Key = tuple[tuple[str, int, int], ...]


class Reports:
    """Makes pages in the background and keeps them."""

    def __init__(self, kept_bytes: int = KEPT_BYTES) -> None:
        self._kept_bytes = kept_bytes
        self._lock = threading.Lock()
        self._works: dict[_Key, Work] = {}
        self._digests: dict[_Key, str] = {}
        self._results: OrderedDict[str, Result] = OrderedDict()
        self._pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="diag-reports")

    def start(self, recordings: tuple[Recording, ...]) -> bool:
        """Begin a report of one recording, or a comparison of two; False if too many wait.

        One that is known or under way is not begun again, one that failed is.
        """
        key = _key(recordings)
        with self._lock:
            work = self._works.get(key)
            if self._known(key) or (work is not None and work.result is None):
                return True
            if sum(each.result is None for each in self._works.values()) >= WAITING_MAX:
                return False
            self._works[key] = Work()
        self._pool.submit(self._make, key, recordings)
        return True

    def result(self, recordings: tuple[Recording, ...]) -> Result | None:
        """The page, or why there is none; None while it is not finished."""
        key = _key(recordings)
        with self._lock:
            found = self._known(key)
            work = self._works.get(key)
            return found or (work.result if work else None)

    def progress(self, recordings: tuple[Recording, ...]) -> tuple[str, float] | None:
        """What is being done and for how many seconds; None if the page was never begun."""
        with self._lock:
            work = self._works.get(_key(recordings))
            return None if work is None else (work.step, time.monotonic() - work.since_s)

    def _known(self, key: _Key) -> Result | None:
        digest = self._digests.get(key)
        found = self._results.get(digest) if digest else None
        if digest and found:
            self._results.move_to_end(digest)
        return found

    def _make(self, key: _Key, recordings: tuple[Recording, ...]) -> None:
        work, digest = self._works[key], ""
        try:
            work.step = "reading the files"
            digest = _digest(recordings)
            with self._lock:
                result = self._results.get(digest)
            if result is None:
                result = self._run(work, recordings)
        except (DiagError, OSError, msgspec.DecodeError) as exc:
            result = Result(error=f"the report was not made: {exc}")
        with self._lock:
            work.result = result
            if result.page:
                self._keep(key, digest, result)

    def _keep(self, key: _Key, digest: str, result: Result) -> None:
        """Remember a page, and forget those not asked for the longest where there is no room."""
        self._digests[key] = digest
        self._results[digest] = result
        self._results.move_to_end(digest)
        del self._works[key]
        while (
            len(self._results) > 1
            and sum(len(each.page) for each in self._results.values()) > self._kept_bytes
        ):
            forgotten, _ = self._results.popitem(last=False)
            self._digests = {k: d for k, d in self._digests.items() if d != forgotten}

    def _run(self, work: Work, recordings: tuple[Recording, ...]) -> Result:
        sources = [str(each.source) for each in recordings]
        job = msgspec.json.encode(Job(*sources)) + b"\n"
        with subprocess.Popen(
            [sys.executable, "-m", "diag.tensorboard.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        ) as process:
            limit = threading.Timer(WORKER_LIMIT_S, process.kill)
            limit.start()
            try:
                return _converse(process, work, job)
            finally:
                limit.cancel()
                process.kill()


def _converse(process: subprocess.Popen[bytes], work: Work, job: bytes) -> Result:
    """Give the job and follow the messages until the last one."""
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(job)
    process.stdin.flush()
    for message in _messages(process):
        if message.page or message.error:
            return Result(message.page.encode(), message.spots, message.error)
        work.step = message.step
    return Result(
        error=f"the analysis ended without a result (exit status {process.wait()}): the trace may "
        "need more memory than there is; try diag analyze on a larger machine"
    )


def _messages(process: subprocess.Popen[bytes]) -> Iterator[Message]:
    assert process.stdout is not None
    while line := process.stdout.readline(_PAGE_MAX_BYTES):
        yield msgspec.json.decode(line, type=Message)


def _key(recordings: tuple[Recording, ...]) -> _Key:
    """-1 for the size of a file that is gone; reading it then fails with a reason."""
    return tuple(_state(path) for each in recordings for path in each.files)


def _state(path: Path) -> tuple[str, int, int]:
    try:
        state = path.stat()
    except OSError:
        return str(path), -1, -1
    return str(path), state.st_size, state.st_mtime_ns


def _digest(recordings: tuple[Recording, ...]) -> str:
    """Of the content of all files, their order, and the version of diag."""
    total = hashlib.sha256(__version__.encode())
    for recording in recordings:
        for path in recording.files:
            total.update(path.name.encode("utf-8", "surrogateescape") + b"\0")
            total.update(_sha256(path))
    return total.hexdigest()


def _sha256(path: Path) -> bytes:
    with open_regular(path) as file:
        found = hashlib.sha256()
        while chunk := file.read(_CHUNK_BYTES):
            found.update(chunk)
        return found.digest()
