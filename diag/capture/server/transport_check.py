"""Tests a port with HTTP and TLS after a gRPC call got no answer, to explain the failure."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING

from diag.capture.plan import TlsOptions
from diag.errors import CaptureError, ServerUnreachableError, TlsError, WrongProtocolError

if TYPE_CHECKING:
    from diag.capture.server.connection import ConnectionOptions
    from diag.capture.server.target import Target

_HTTP_PROBE = b"GET /v1/models HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
_TIMEOUT_S = 1.0
# OpenSSL's reasons when the other side does not speak TLS.
_NOT_TLS = ("WRONG_VERSION_NUMBER", "UNEXPECTED_EOF", "RECORD_LAYER_FAILURE", "HTTP_REQUEST")


def check_transport(target: Target, options: ConnectionOptions) -> CaptureError | None:
    """The reason why gRPC calls to an address get no answer; None if the port speaks gRPC.

    Args:
        target: The address.
        options: TLS and authority of the failed call.
    """
    try:
        target.connect(_TIMEOUT_S).close()
    except OSError as exc:
        return ServerUnreachableError(
            f"nothing listens at {target.given} any more",
            cause=exc.strerror or str(exc),
            hint="check whether the server still runs, and read its log",
        )
    if options.tls is not None:
        return _check_tls(target, options.tls, options.authority)
    if _speaks_tls(target):
        return WrongProtocolError(
            f"{target.given} speaks TLS, but was called in plaintext",
            hint="use TLS (`tls`), with `tls.ca_cert` if a private authority signed it",
            parameter="tls",
            retry={"tls": TlsOptions()},
        )
    if _speaks_http(target):
        return _not_grpc(target)
    return None


def _not_grpc(target: Target) -> WrongProtocolError:
    return WrongProtocolError(
        f"{target.given} speaks HTTP, not gRPC",
        cause="8501 is TensorFlow Serving's REST port; profiling needs the gRPC port",
        hint="use the gRPC port, 8500 by default",
        parameter="server",
        retry={"server": f"{target.authority.rpartition(':')[0]}:8500"} if target.host else {},
    )


def _speaks_http(target: Target) -> bool:
    try:
        with target.connect(_TIMEOUT_S) as stream:
            stream.sendall(_HTTP_PROBE)
            return stream.recv(5) == b"HTTP/"
    except OSError:
        return False


def _speaks_tls(target: Target) -> bool:
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    try:
        with target.connect(_TIMEOUT_S) as stream, context.wrap_socket(stream):
            return True
    except ssl.SSLError as exc:
        # A server that demands a client certificate refuses by a TLS alert.
        return "ALERT" in str(exc.reason)
    except OSError:
        return False


def _check_tls(target: Target, tls: TlsOptions, authority: str) -> CaptureError | None:
    """Make the TLS handshake that gRPC makes, because gRPC does not report why it failed."""
    name = _host_of(authority) or target.host or "localhost"
    try:
        context = _context(tls)
        with (
            target.connect(_TIMEOUT_S) as stream,
            context.wrap_socket(stream, server_hostname=name) as secured,
        ):
            # In TLS 1.3 a server refuses a client certificate after the handshake; a gRPC server
            # that accepts it sends a SETTINGS frame.
            if secured.selected_alpn_protocol() != "h2":
                return _not_grpc(target)
            if not secured.recv(1):
                return _refused(target, "the server closed the connection after the handshake", tls)
    except ssl.SSLCertVerificationError as exc:
        return TlsError(
            f"{target.given}: the certificate is not trusted for the name {name}",
            cause=exc.verify_message,
            hint="pass the authority that signed it (`tls.ca_cert`), or the name in it "
            "(`authority`)",
        )
    except ssl.SSLError as exc:
        return _tls_error(target, exc, tls)
    except TimeoutError:
        return None
    except OSError as exc:
        return WrongProtocolError(
            f"{target.given} closed the connection during the TLS handshake",
            cause=exc.strerror or str(exc),
            hint="if the server has no --ssl_config_file, use plaintext (no `tls`)",
            parameter="tls",
            retry={"tls": None},
        )
    return None


def _tls_error(target: Target, error: ssl.SSLError, tls: TlsOptions) -> CaptureError:
    reason = error.reason or str(error)
    if any(word in reason for word in _NOT_TLS):
        return WrongProtocolError(
            f"{target.given} does not speak TLS",
            cause=reason,
            hint="use plaintext (no `tls`), or check the port",
            parameter="tls",
            retry={"tls": None},
        )
    return _refused(target, reason, tls)


def _refused(target: Target, reason: str, tls: TlsOptions) -> TlsError:
    return TlsError(
        f"{target.given}: the server refused the TLS handshake",
        cause=reason,
        hint="check that the server trusts the authority that signed `tls.client_cert`"
        if tls.client_cert
        else "it may require a client certificate (`tls.client_cert` and `tls.client_key`)",
    )


def _context(tls: TlsOptions) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=str(tls.ca_cert) if tls.ca_cert else None)
    context.set_alpn_protocols(["h2"])
    if tls.client_cert and tls.client_key:
        context.load_cert_chain(tls.client_cert, tls.client_key)
    return context


def _host_of(authority: str) -> str:
    """The name in an authority, without its port."""
    if authority.startswith("["):
        return authority[1:].partition("]")[0]
    return authority.rpartition(":")[0] or authority
