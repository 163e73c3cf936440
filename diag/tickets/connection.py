"""HTTP to one tracker: TLS verified, answers bounded, no redirects, no secret in any message."""

from __future__ import annotations

import ipaddress
import json
import re
import ssl
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from diag.errors import TicketError, UsageError
from diag.extras import import_extra
from diag.model.printable import printable

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from diag.tickets.ticket import Attachment

TIMEOUT_S: Final = 60.0
ANSWER_MAX_BYTES: Final = 16 << 20
_REASON_MAX_CHARS: Final = 200
# What an overloaded service or a proxy before it answers; the request may be made again.
_TRANSIENT: Final = frozenset({408, 425, 429, 500, 502, 503, 504})
_ADVICE: Final = {
    401: "check the token: it may be expired, or of another service",
    403: "the token needs the permission to write comments and attachments",
    404: "check owner, project and number; a private project is hidden from a token without access",
    413: "the file is larger than the tracker takes: use --no-bundle, and hand it on elsewhere",
}


class TransientError(Exception):
    """The tracker may accept the same request later; ``posting.py`` makes it again.

    Attributes:
        error: What to raise if it does not.
        retry_after_s: What it asks to wait; 0 if it does not say.
    """

    def __init__(self, error: TicketError, retry_after_s: float = 0.0) -> None:
        super().__init__(error.message)
        self.error = error
        self.retry_after_s = retry_after_s


def check_url(url: str, parameter: str = "url") -> str:
    """The URL without a slash at its end.

    Raises:
        UsageError: It is not https (or http to this machine), or it has a user, query or fragment.
    """
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise UsageError(f"`{parameter}` is not an https URL", parameter=parameter)
    if parts.scheme == "http" and not _is_loopback(parts.hostname):
        raise UsageError(
            f"`{parameter}` is http to another machine, which would show the token to the network",
            hint="use https",
            parameter=parameter,
        )
    if parts.username is not None or parts.query or parts.fragment:
        raise UsageError(
            f"`{parameter}` has a user, a query or a fragment",
            hint="name scheme, host and path only; the token comes from a file or the environment",
            parameter=parameter,
        )
    return url.rstrip("/")


def is_local(url: str) -> bool:
    """Whether a URL is of this machine."""
    return _is_loopback(urlsplit(url).hostname or "")


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


class Connection:
    """Requests to a tracker.

    Args:
        base_url: As ``check_url`` returns it.
        headers: Of every request; they hold the token.
        secrets: What no message may show, whatever a server answers.
        ca_cert: A file of further certificate authorities; None for the usual ones.
    """

    def __init__(
        self,
        base_url: str,
        headers: Mapping[str, str],
        secrets: tuple[str, ...] = (),
        ca_cert: Path | None = None,
    ) -> None:
        self._httpx = import_extra("httpx", "ticket", "posting a ticket")
        self._secrets = tuple(secret for secret in secrets if secret)
        self._label = f"{urlsplit(base_url).scheme}://{urlsplit(base_url).netloc}"
        self._client = self._httpx.Client(
            base_url=base_url,
            headers={"User-Agent": "diag", **headers},
            timeout=TIMEOUT_S,
            follow_redirects=False,
            verify=_context(ca_cert),
        )

    def __enter__(self) -> Connection:
        """Nothing is sent yet."""
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def get(self, path: str, **params: str | int) -> Any:
        """The JSON at a path."""
        return self._request("GET", path, params=params)

    def send(self, method: str, path: str, document: Mapping[str, Any]) -> Any:
        """Send a JSON document; the answer's JSON, None where it has none."""
        return self._request(method, path, json=document)

    def upload(
        self, path: str, file: Attachment, headers: Mapping[str, str] | None = None
    ) -> tuple[Any, str]:
        """Send a file as the field ``file`` of a form.

        Returns:
            The answer's JSON and "", or None and why the tracker does not take the file.
        """
        form = {"file": (file.name, file.data, file.content_type)}
        try:
            return self._request("POST", path, files=form, headers=dict(headers or {})), ""
        except TicketError as exc:
            return None, ": ".join(filter(None, (exc.message, exc.cause or exc.hint)))

    def _request(self, method: str, path: str, **arguments: Any) -> Any:
        with self._failures_named(method), self._client.stream(method, path, **arguments) as answer:
            body = b""
            for chunk in answer.iter_bytes():
                body += chunk
                if len(body) > ANSWER_MAX_BYTES:
                    raise TicketError(f"{self._label} answered with more than 16 MiB")
            if 200 <= answer.status_code < 300:
                return _decoded(body)
            raise self._refused(method, answer, body)

    @contextmanager
    def _failures_named(self, method: str) -> Iterator[None]:
        try:
            yield
        except self._httpx.InvalidURL as exc:
            raise TicketError(f"{self._label}: not a usable address", cause=str(exc)) from exc
        except self._httpx.HTTPError as exc:
            cause = self._clean(str(exc) or type(exc).__name__)
            is_tls = isinstance(exc.__cause__, ssl.SSLError) or "CERTIFICATE" in cause.upper()
            if is_tls:
                raise TicketError(
                    f"{self._label}: TLS failed",
                    cause=cause,
                    hint="a certificate of your own authority needs --ca-cert FILE",
                ) from exc
            error = TicketError(
                f"{self._label}: {method} failed", cause=cause, hint="check address and network"
            )
            raise TransientError(error) from exc

    def _refused(self, method: str, answer: Any, body: bytes) -> TicketError | TransientError:
        status = answer.status_code
        reason = self._clean(_reason(body))
        told = f"{self._label} answered {status} to {method}"
        if status in _TRANSIENT or (status == 403 and "rate limit" in reason.lower()):
            error = TicketError(told, cause=reason, hint="the service is busy; try again later")
            wait = answer.headers.get("Retry-After", "")
            return TransientError(error, float(wait) if re.fullmatch(r"\d{1,4}", wait) else 0.0)
        hint = _ADVICE.get(status, "")
        if 300 <= status < 400:
            hint = "it sends to another address: name that one with --url"
        return TicketError(told, cause=reason, hint=hint)

    def _clean(self, text: str) -> str:
        for secret in self._secrets:
            text = text.replace(secret, "…")
        return printable(" ".join(text.split()), _REASON_MAX_CHARS)


def _context(ca_cert: Path | None) -> ssl.SSLContext | bool:
    if ca_cert is None:
        return True
    try:
        context = ssl.create_default_context()
        context.load_verify_locations(ca_cert)
    except (OSError, ssl.SSLError) as exc:
        raise UsageError(
            f"`ca_cert` {ca_cert} cannot be used", cause=str(exc), parameter="ca_cert"
        ) from exc
    return context


def _decoded(body: bytes) -> Any:
    """JSON, else None: a webhook answers ``ok``."""
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


def _reason(body: bytes) -> str:
    """What the services call their messages, else the begin of the text."""
    document = _decoded(body)
    if isinstance(document, dict):
        for key in ("message", "error", "errorMessages", "errors"):
            if document.get(key):
                return json.dumps(document[key], ensure_ascii=False).strip('"')
    return body[:1000].decode("utf-8", "replace")
