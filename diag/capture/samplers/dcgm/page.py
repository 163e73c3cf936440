"""Parses one page of a DCGM exporter into values by host, device and field.

Labels: dcgm-exporter, internal/pkg/rendermetrics/render_metrics.go (``gpu``, ``UUID``,
``modelName``, ``GPU_I_ID``, ``GPU_I_PROFILE``, ``Hostname``); a MIG slice has those of its
GPU as well. Pods that share a GPU by time slicing all repeat the value of the GPU.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from diag.capture.samplers.dcgm.fields import FIELD_BY_METRIC, FIELDS, Field
from diag.formats.text.prometheus import parse_named
from diag.model.samples import SampledDevice

if TYPE_CHECKING:
    from collections.abc import Mapping

NO_HOST = ""
# Label sets on a page: GPUs and slices, each repeated for every pod that shares it. 8 GPUs with 7
# slices each, shared by 10 pods, give 560.
SERIES_MAX = 4096
_LABEL_MAX_CHARACTERS = 256


class TooManySeriesError(Exception):
    """The page has more GPUs, slices and pods than one node can have."""


class DeviceKey(NamedTuple):
    """A GPU or a slice of a host, by its labels; sorts by ``gpu``, each GPU before its slices."""

    gpu: int
    uuid: str
    slice_id: int  # -1: the whole GPU

    @property
    def is_slice(self) -> bool:
        """Whether this is a MIG slice."""
        return self.slice_id >= 0


@dataclass(frozen=True, slots=True)
class HostPage:
    """The devices of one host on a page.

    Attributes:
        devices: Name and uuid by device.
        values: Value by field name and device; None if DCGM marks it as missing.
        collected_unix_ns: Newest time stamp by device, in ns since 1970; empty if the page has
            no time stamps.
    """

    devices: dict[DeviceKey, SampledDevice]
    values: dict[str, dict[DeviceKey, int | float | None]]
    collected_unix_ns: dict[DeviceKey, int]

    def ordered(self) -> tuple[DeviceKey, ...]:
        """The devices by GPU, each before its slices."""
        return tuple(sorted(self.devices))


def read_hosts(text: str) -> dict[str, HostPage]:
    """Parse a page into hosts, by ``Hostname`` ("" if a series has none).

    Args:
        text: The page. Lines of metrics that are not sampled are skipped, of which an exporter has
            hundreds.

    Raises:
        MetricsParseError: A line of a sampled metric cannot be parsed.
        TooManySeriesError: The page has more than ``SERIES_MAX`` label sets.
    """
    hosts: dict[str, HostPage] = {}
    seen: set[tuple[tuple[str, str], ...]] = set()
    for sample, unix_ns in parse_named(text, FIELD_BY_METRIC.keys()):
        seen.add(sample.labels)
        if len(seen) > SERIES_MAX:
            raise TooManySeriesError(f"has more than {SERIES_MAX:,} GPUs, slices and pods")
        labels = dict(sample.labels)
        key = _key_of(labels)
        if key is None:
            continue
        page = hosts.setdefault(labels.get("Hostname", NO_HOST), HostPage({}, {}, {}))
        _name_device(page, key, labels)
        field = FIELD_BY_METRIC[sample.name]
        page.values.setdefault(field.name, {}).setdefault(key, field.value_of(sample.value))
        if unix_ns is not None:
            newest = max(unix_ns, page.collected_unix_ns.get(key, 0))
            page.collected_unix_ns[key] = newest
    for page in hosts.values():
        _mark_split_gpus(page)
    return hosts


def fields_of(page: HostPage) -> tuple[Field, ...]:
    """The fields of which at least one device has a value, in the order of FIELDS."""
    known = {
        name
        for name, values in page.values.items()
        if any(value is not None for value in values.values())
    }
    return tuple(field for field in FIELDS if field.name in known)


def _key_of(labels: Mapping[str, str]) -> DeviceKey | None:
    """The device of a series; None if the series is not of a GPU but of a switch, for example."""
    uuid = labels.get("UUID") or labels.get("uuid") or ""
    gpu, slice_id = _number(labels.get("gpu")), _number(labels.get("GPU_I_ID"))
    return DeviceKey(gpu, uuid, slice_id) if gpu >= 0 or uuid else None


def _number(text: str | None) -> int:
    """The number in a label, -1 if it holds none."""
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 10 else -1


def _name_device(page: HostPage, key: DeviceKey, labels: Mapping[str, str]) -> None:
    if key in page.devices:
        return
    name = labels.get("modelName") or labels.get("device") or f"GPU {max(key.gpu, 0)}"
    name, uuid = name[:_LABEL_MAX_CHARACTERS], key.uuid[:_LABEL_MAX_CHARACTERS]
    if key.is_slice:
        profile = labels.get("GPU_I_PROFILE", "")[:_LABEL_MAX_CHARACTERS]
        name = f"{name} MIG {profile} #{key.slice_id}".replace("  ", " ")
        uuid = f"{uuid}/{key.slice_id}"
    page.devices[key] = SampledDevice(name, uuid, key.is_slice)


def _mark_split_gpus(page: HostPage) -> None:
    """Mark GPUs that have slices as being in MIG mode."""
    split = {(key.gpu, key.uuid) for key in page.devices if key.is_slice}
    for key, device in page.devices.items():
        if (key.gpu, key.uuid) in split and not key.is_slice:
            page.devices[key] = SampledDevice(device.name, device.uuid, is_mig=True)
