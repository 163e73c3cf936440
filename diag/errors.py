"""Every way diag can fail, as one tree.

::

    DiagError                        70  (a bare one is a bug)
    ├─ UsageError                     2  plan or arguments contradict each other
    ├─ InputError                     3  what was read cannot be used
    │  ├─ SourceNotFoundError            no such file, or nothing in it to analyse
    │  ├─ XSpaceDecodeError              truncated, corrupt or hostile trace bytes
    │  ├─ BundleCorruptError             manifest or checksum does not hold
    │  ├─ BundleVersionError             written by a newer diag
    │  ├─ MetricsParseError              not Prometheus text
    │  └─ BatchingParametersError        not a batching_parameters_file
    ├─ CaptureError                   4  the server could not be captured
    │  ├─ ServerUnreachableError         no process listens, or it went away
    │  ├─ WrongProtocolError             HTTP instead of gRPC, TLS against plaintext
    │  ├─ TlsError                       one side does not trust the other's certificate
    │  ├─ ProfilerDisabledError          the server has no ProfilerService
    │  ├─ ProfilerBusyError              another profiling session is active
    │  ├─ ServerTooOldError              it can only write the trace to its own disk
    │  ├─ CaptureTimeoutError            no answer within the deadline
    │  ├─ ResponseTooLargeError          the trace exceeds a limit
    │  └─ EmptyCaptureError           5  the server answered, the window held no request
    ├─ LimitReachedError              1  a result is beyond what the caller accepts
    │  ├─ FindingReachedError            a finding that was named is there
    │  └─ RegressionError                a latency rose beyond a limit
    ├─ RequiredSourceError            6  a required source is missing
    ├─ OutputError                    7  the result could not be written
    └─ TicketError                    9  a tracker did not take the ticket, or not all of it

Library code raises these; only ``diag.cli`` prints them and exits.

Messages name parameters as the library does, in backticks: ``"`duration_ns` is 5, ..."``. The
command line shows its own option instead: ``--duration is 5, ...``.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

NO_CHANGES: Mapping[str, object] = MappingProxyType({})


class DiagError(Exception):
    """A failure that a person can act on.

    Attributes:
        message: What failed, with the path or address and the value seen.
        cause: The underlying message, or "".
        hint: The next thing to do or to check, or "".
        parameter: The parameter that is wrong, by the library's name (``duration_ns``,
            ``tls.ca_cert``), or "".
        retry: Parameters to change, by the library's names, for the same call to succeed; empty
            where no such change is known. The command line shows it as a command to type.
        bundle: The bundle that a failed capture wrote nevertheless, or the name of the file object
            that got it; None if it wrote none.
    """

    exit_code: ClassVar[int] = 70

    def __init__(
        self,
        message: str,
        *,
        cause: str = "",
        hint: str = "",
        parameter: str = "",
        retry: Mapping[str, object] = NO_CHANGES,
        bundle: Path | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.cause = cause
        self.hint = hint
        self.parameter = parameter
        self.retry = retry
        self.bundle = bundle


class UsageError(DiagError):
    """Arguments that contradict each other or the limits."""

    exit_code = 2


class InputError(DiagError):
    """Something read from disk or the network cannot be used."""

    exit_code = 3


class SourceNotFoundError(InputError):
    """There is no such source, or nothing in it that diag can analyse."""


class XSpaceDecodeError(InputError):
    """The bytes are not a whole, sane XSpace."""


class BundleCorruptError(InputError):
    """A bundle's manifest or a part's checksum does not hold."""


class BundleVersionError(InputError):
    """The bundle was written by a newer diag."""


class MetricsParseError(InputError):
    """The text is not Prometheus exposition text."""


class BatchingParametersError(InputError):
    """The file is not a valid TensorFlow Serving batching_parameters_file."""


class CaptureError(DiagError):
    """The server could not be captured."""

    exit_code = 4


class ServerUnreachableError(CaptureError):
    """No process listens at the address, or the server went away."""


class WrongProtocolError(CaptureError):
    """The port speaks something else: HTTP, or TLS where plaintext was used, or the reverse."""


class TlsError(CaptureError):
    """The port speaks TLS, but one side does not trust the other's certificate."""


class ProfilerDisabledError(CaptureError):
    """The server does not offer tensorflow.ProfilerService."""


class ProfilerBusyError(CaptureError):
    """Another profiling session holds the server's only profiler."""


class ServerTooOldError(CaptureError):
    """The server cannot return a trace inline, only write it to its own disk."""


class CaptureTimeoutError(CaptureError):
    """The server did not answer within the deadline."""


class ResponseTooLargeError(CaptureError):
    """The trace is, or would be, larger than a limit allows."""


class EmptyCaptureError(CaptureError):
    """The server answered, but the window held no request."""

    exit_code = 5


class LimitReachedError(DiagError):
    """A result is beyond what the caller accepts; the result is written all the same."""

    exit_code = 1


class FindingReachedError(LimitReachedError):
    """A finding is there that the caller does not accept."""


class RegressionError(LimitReachedError):
    """A latency rose beyond a limit, or cannot be judged by it."""


class RequiredSourceError(DiagError):
    """A required source could not be recorded."""

    exit_code = 6


class OutputError(DiagError):
    """The result could not be written."""

    exit_code = 7


class TicketError(DiagError):
    """A tracker did not take a ticket, or not all of it; text and files are kept."""

    exit_code = 9
