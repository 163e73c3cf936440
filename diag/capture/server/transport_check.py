"""Why no gRPC answer came: asks the port itself, in HTTP and in TLS, after a call has failed."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING

from diag.errors import CaptureError, ServerUnreachableError, TlsError, WrongProtocolError

if TYPE_CHECKING:
    from diag.capture.plan import CapturePlan, TlsOptions
    from diag.capture.server.target import Target

_HTTP_PROBE = b"GET /v1/models HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
_TIMEOUT_S = 1.0
# What OpenSSL calls it when the other side does not speak TLS.
_NOT_TLS = ("WRONG_VERSION_NUMBER", "UNEXPECTED_EOF", "RECORD_LAYER_FAILURE", "HTTP_REQUEST")


def check_transport(target: Target, plan: CapturePlan) -> CaptureError | None:
    """What speaks at the address, if it is something else than was expected; else None."""
    try:
        target.connect(_TIMEOUT_S).close()
    except OSError as exc:
        return ServerUnreachableError(
            f"{target.given}: nothing listens there any more",
            cause=exc.strerror or str(exc),
            hint="look whether the server still runs, and at its log",
        )
    if plan.tls is not None:
        return _check_tls(target, plan.tls, plan.authority)
    if _speaks_tls(target):
        return WrongProtocolError(
            f"{target.given} speaks TLS, it was called in plaintext",
            hint="add --tls, and --ca-cert FILE if its certificate is signed in house",
        )
    if _speaks_http(target):
        return _not_grpc(target)
    return None


def _not_grpc(target: Target) -> WrongProtocolError:
    return WrongProtocolError(
        f"{target.given} speaks HTTP, not gRPC",
        cause="8501 is TensorFlow Serving's REST port; profiling needs the gRPC port",
        hint=f"diag capture --server {target.host or 'HOST'}:8500",
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
        # A server that insists on a client certificate has spoken TLS to say so.
        return "ALERT" in str(exc.reason)
    except OSError:
        return False


def _check_tls(target: Target, tls: TlsOptions, authority: str) -> CaptureError | None:
    """Shake hands as gRPC does, to learn what it does not say."""
    name = _host_of(authority) or target.host or "localhost"
    try:
        context = _context(tls)
        with (
            target.connect(_TIMEOUT_S) as stream,
            context.wrap_socket(stream, server_hostname=name) as secured,
        ):
            # In TLS 1.3 a refusal of the client's certificate comes after the handshake; a gRPC
            # server that accepts it speaks first (its SETTINGS frame).
            if secured.selected_alpn_protocol() != "h2":
                return _not_grpc(target)
            if not secured.recv(1):
                return _refused(target, "the server hung up after the handshake", tls)
    except ssl.SSLCertVerificationError as exc:
        return TlsError(
            f"{target.given}: its certificate is not trusted for the name {name}",
            cause=exc.verify_message,
            hint="give the authority that signed it with --ca-cert FILE, or the name in it with "
            "--authority NAME",
        )
    except ssl.SSLError as exc:
        return _tls_error(target, exc, tls)
    except TimeoutError:
        return None
    except OSError as exc:
        return WrongProtocolError(
            f"{target.given} hung up on a TLS handshake",
            cause=exc.strerror or str(exc),
            hint="if the server has no --ssl_config_file, leave --tls out",
        )
    return None


def _tls_error(target: Target, error: ssl.SSLError, tls: TlsOptions) -> CaptureError:
    reason = error.reason or str(error)
    if any(word in reason for word in _NOT_TLS):
        return WrongProtocolError(
            f"{target.given} does not speak TLS",
            cause=reason,
            hint="leave --tls, --ca-cert and --client-cert out, or check the port",
        )
    return _refused(target, reason, tls)


def _refused(target: Target, reason: str, tls: TlsOptions) -> TlsError:
    return TlsError(
        f"{target.given}: the server refused the TLS handshake",
        cause=reason,
        hint="check that --client-cert is signed by an authority the server trusts"
        if tls.client_cert
        else "it may want a client certificate: --client-cert FILE --client-key FILE",
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
