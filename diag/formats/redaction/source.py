"""redact(): a source without names, to hand on; what it names stays in a legend."""

from __future__ import annotations

import io
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, Literal

from diag.formats.bundle import layout
from diag.formats.bundle.contents import capture_from_bundle
from diag.formats.bundle.server import decode_server, server_document
from diag.formats.bundle.writer import BundleWriter
from diag.formats.redaction.documents import (
    redact_manifest,
    redact_metrics,
    redact_parameters,
    redact_server,
    redact_stacks,
)
from diag.formats.redaction.names import Names
from diag.formats.redaction.pseudonyms import Pseudonyms
from diag.formats.redaction.samples import redact_samples
from diag.formats.redaction.trace import learn_from_trace, redact_trace
from diag.formats.source import open_bundle, read_source
from diag.formats.text.batching_parameters import load_batching_parameters
from diag.formats.text.client_log import load_client_log
from diag.formats.trace.capture import decode_named
from diag.model.samples import SampleSeries

if TYPE_CHECKING:
    from collections.abc import Mapping

    from diag.formats.bundle.reader import Bundle
    from diag.formats.source import Source
    from diag.formats.text.batching_parameters import ParametersSource
    from diag.formats.text.client_log import LogSource
    from diag.model.capture import BatchingParameters, Capture
    from diag.model.client_log import ClientLog

SALT_MIN_BYTES: Final = 16
CLIENT_LOG: Final = "client-log"
_PAGES: Final[dict[Literal["before", "after"], str]] = {
    "before": layout.METRICS_BEFORE,
    "after": layout.METRICS_AFTER,
}
_SERIES: Final = ("host_samples", "gpu_samples", "dcgm_samples", "probe_samples")


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class RedactedSource:
    """A source with pseudonyms in place of names; ``open_bundle`` reads ``data``.

    Attributes:
        data: A bundle as .zip, or a trace where the source was a bare trace.
        is_bundle: Which of both.
        batching_parameters: As given, with other names; None if none were given.
        client_log: As given, with other names; None if none was given.
        legend: Names by pseudonym; it must not leave the machine.
        event_names: What each name of an event has become, by the original.
    """

    data: bytes
    is_bundle: bool
    batching_parameters: BatchingParameters | None
    client_log: ClientLog | None
    legend: Mapping[str, str]
    event_names: Mapping[str, str]

    def __repr__(self) -> str:
        kind = "bundle" if self.is_bundle else "trace"
        return f"<RedactedSource {kind} of {len(self.data):,} bytes, {len(self.legend):,} names>"

    def open(self) -> Capture:
        """The capture of the copy."""
        return open_bundle(
            self.data, batching_parameters=self.batching_parameters, client_log=self.client_log
        )

    def preprocess_ops(self, pattern: re.Pattern[str] | None) -> re.Pattern[str] | None:
        """What matches the same ops here as the expression does in the source.

        Args:
            pattern: As for ``analyze``; it is searched for in the op type and in
                ``<node>:<OpType>``.
        """
        if pattern is None:
            return None
        matching = {
            new
            for old, new in self.event_names.items()
            if pattern.search(old) or pattern.search(old.rpartition(":")[2])
        }
        return re.compile(rf"\A(?:{'|'.join(map(re.escape, sorted(matching))) or '(?!)'})\Z")


def redact(
    source: Source,
    salt: bytes,
    *,
    run: str | None = None,
    batching_parameters: ParametersSource | None = None,
    client_log: LogSource | None = None,
) -> RedactedSource:
    """A copy of a source in which names of hosts, models, paths, ops and others are pseudonyms.

    Times, numbers, links, and the names of TensorFlow's and CUDA's own events stay, so the analysis
    of the copy has the same numbers. Bytes that diag does not read, such as HLO modules, are left
    out, and so are parts of a bundle that diag does not know.

    Args:
        source: As for ``open_bundle``.
        salt: Secret of at least 16 bytes. The same salt gives the same pseudonyms.
        run: As for ``open_bundle``.
        batching_parameters: As for ``open_bundle``.
        client_log: As for ``open_bundle``.

    Raises:
        InputError: As for ``open_bundle``.
        ValueError: The salt is too short.
    """
    if len(salt) < SALT_MIN_BYTES:
        raise ValueError(f"a salt of {len(salt)} bytes, at least {SALT_MIN_BYTES} are needed")
    given = None if batching_parameters is None else load_batching_parameters(batching_parameters)
    log = None if client_log is None else load_client_log(client_log)
    pseudonyms = Pseudonyms(salt)
    names = Names(pseudonyms)
    copier = _Copier(names)
    data = read_source(source, run, copier)
    return RedactedSource(
        data=data,
        is_bundle=copier.is_bundle,
        batching_parameters=None if given is None else redact_parameters(given, names),
        client_log=None
        if log is None
        else replace(log, name=CLIENT_LOG, statuses=tuple(map(names.message, log.statuses))),
        legend=pseudonyms.legend(),
        event_names=copier.event_names,
    )


class _Copier:
    """Makes the copy of what ``read_source`` finds."""

    def __init__(self, names: Names) -> None:
        self._names = names
        self.is_bundle = False
        self.event_names: dict[str, str] = {}

    def from_trace(self, name: str, data: bytes, where: str) -> bytes:
        """The copy of a bare trace."""
        del name
        return self._trace(data, where)

    def from_bundle(self, bundle: Bundle, name: str, where: str) -> bytes:
        """The copy of a bundle, as .zip."""
        self.is_bundle = True
        capture, names = capture_from_bundle(bundle, name, where), self._names
        manifest = redact_manifest(bundle.manifest, names)
        parts = {part: bundle.read(part) for part in bundle.part_names()}
        server = (
            redact_server(decode_server(parts[layout.SERVER], where), names)
            if layout.SERVER in parts
            else None
        )
        pages = {
            which: redact_metrics(parts[part], names)
            for which, part in _PAGES.items()
            if part in parts
        }
        out = io.BytesIO()
        with BundleWriter(out) as writer:
            (trace,) = filter(layout.is_trace, parts)  # capture_from_bundle refuses others
            writer.add_trace(manifest.target.get("server", ""), self._trace(parts[trace], where))
            for each in _SERIES:
                series = getattr(capture, each)
                if isinstance(series, SampleSeries):
                    writer.add_samples(redact_samples(series, names))
            if server is not None:
                writer.add_server(server_document(server))
            for which, page in pages.items():
                writer.add_metrics(which, page)
            if layout.STACKS in parts:
                writer.add_stacks(redact_stacks(parts[layout.STACKS], names))
            writer.finish(manifest)
        return out.getvalue()

    def _trace(self, data: bytes, where: str) -> bytes:
        space = decode_named(data, where)
        learn_from_trace(space, self._names)
        for name in {name for plane in space.planes for name in plane.events.names}:
            if ":" in name:
                self.event_names[name] = self._names.trace(name)
        return redact_trace(data, self._names)
