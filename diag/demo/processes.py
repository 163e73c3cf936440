"""The processes of the server and of the load generator, ended in any case."""

from __future__ import annotations

import json
from contextlib import ExitStack
from dataclasses import dataclass
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from diag.demo.child import Child
from diag.demo.installed import check_installed
from diag.demo.load import ClientCall, LoadOrder, StreamOrder
from diag.errors import ServerUnreachableError

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType

    from diag.demo.scenario import Scenario

START_TIMEOUT_S = 120.0


@dataclass(frozen=True, slots=True)
class ServerAddress:
    """The addresses of a started server.

    Attributes:
        grpc: ``host:port``.
        http: ``http://host:port``.
        pid: Id of its process.
        payloads: Files with serialised requests, by stream of the scenario.
    """

    grpc: str
    http: str
    pid: int
    payloads: tuple[tuple[str, ...], ...]


class DemoServer:
    """A server process for one scenario; leaving the context ends it."""

    def __init__(self, child: Child, address: ServerAddress, ending: ExitStack) -> None:
        self._child = child
        self._ending = ending
        self.address = address

    @classmethod
    def start(cls, scenario: Scenario, log: Path, *options: str) -> DemoServer:
        """Start the process and wait until it accepts requests, which takes seconds.

        Args:
            scenario: The scenario to serve.
            log: File for its stderr.
            options: Further options of ``python -m diag.demo.serve``.

        Raises:
            UsageError: TensorFlow is not installed.
            ServerUnreachableError: It did not start.
        """
        check_installed()
        with ExitStack() as ending:
            # Removed here as well: a server that was killed removes nothing.
            work = ending.enter_context(
                TemporaryDirectory(prefix="diag-demo-", ignore_cleanup_errors=True)
            )
            basic = ("--scenario", scenario.name, "--stop-with-stdin", "--work", work)
            child = Child("diag.demo.serve", (*basic, *options), log)
            ending.callback(child.end)
            line = child.read_line(START_TIMEOUT_S)
            if not line:
                raise ServerUnreachableError(
                    "the demo server did not start",
                    cause=child.last_error(),
                    hint=f"its log is {log}",
                )
            ready: dict[str, Any] = json.loads(line)
            payloads = tuple(tuple(stream["files"]) for stream in ready["payloads"])
            address = ServerAddress(ready["server"], ready["http"], ready["pid"], payloads)
            return cls(child, address, ending.pop_all())

    @property
    def is_running(self) -> bool:
        """Whether the process still runs."""
        return self._child.is_running

    def stop(self) -> None:
        """Wait for the requests in flight, for the truth to be written, and for the end."""
        self._child.finish()

    def __enter__(self) -> DemoServer:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._ending.close()


class DemoLoad:
    """The load generator's process; leaving the context ends it."""

    def __init__(self, child: Child, ending: ExitStack) -> None:
        self._child = child
        self._ending = ending

    @classmethod
    def start(cls, scenario: Scenario, address: ServerAddress, log: Path) -> DemoLoad:
        """Start to send the scenario's streams, and its neighbours if it has some.

        Raises:
            ServerUnreachableError: It did not start.
        """
        streams = tuple(
            StreamOrder(stream.model, files, stream.arrivals)
            for stream, files in zip(scenario.streams, address.payloads, strict=True)
        )
        with ExitStack() as ending:
            child = Child("diag.demo.load", (), log)
            ending.callback(child.end)
            child.send(LoadOrder(address.grpc, streams, scenario.deadline_s).to_json())
            _wait_for_start(child, "the load generator", log)
            if scenario.has_neighbours:
                beside = log.with_name("neighbours.log")
                neighbours = Child("diag.demo.neighbours", (), beside)
                ending.callback(neighbours.end)
                _wait_for_start(neighbours, "the busy neighbours", beside)
            return cls(child, ending.pop_all())

    def stop(self) -> list[ClientCall]:
        """End the load and return all calls in the order of their due times.

        Raises:
            ServerUnreachableError: The process ended early.
        """
        text = self._child.finish()
        try:
            return [ClientCall(**call) for call in json.loads(text)["calls"]]
        except ValueError as error:
            raise ServerUnreachableError(
                "the load generator ended early", cause=self._child.last_error()
            ) from error

    def __enter__(self) -> DemoLoad:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._ending.close()


def _wait_for_start(child: Child, what: str, log: Path) -> None:
    if not child.read_line(START_TIMEOUT_S):
        raise ServerUnreachableError(
            f"{what} did not start", cause=child.last_error(), hint=f"its log is {log}"
        )
