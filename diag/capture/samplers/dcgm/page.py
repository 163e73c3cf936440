"""One page of a DCGM exporter: its GPUs and slices, and what it says of each.

Labels: dcgm-exporter, internal/pkg/rendermetrics/render_metrics.go (``gpu``, ``UUID``,
``modelName``, ``GPU_I_ID``, ``GPU_I_PROFILE``, ``Hostname``); a MIG slice has its GPU's as well.
Pods that share a GPU by time slicing each repeat the GPU's one value.
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
# Sets of labels on a page: its GPUs and slices, each as often as pods share it. 8 GPUs in 7 slices
# that 10 pods share are 560.
SERIES_MAX = 4096
_LABEL_MAX_CHARACTERS = 256


class TooManySeriesError(Exception):
    """The page names more than any node has."""


class DeviceKey(NamedTuple):
    """A GPU or a slice on a host, as its labels tell it; orders as ``gpu`` and then slices do."""

    gpu: int
    uuid: str
    slice_id: int  # -1: the whole GPU

    @property
    def is_slice(self) -> bool:
        """Whether this is a MIG slice."""
        return self.slice_id >= 0


@dataclass(frozen=True, slots=True)
class HostPage:
    """What a page says of one host's devices.

    Attributes:
        devices: How each is called.
        values: By field name and device; None where DCGM has no value.
        collected_unix_ns: By device, the newest time stamp of its values; empty without any.
    """

    devices: dict[DeviceKey, SampledDevice]
    values: dict[str, dict[DeviceKey, int | float | None]]
    collected_unix_ns: dict[DeviceKey, int]

    def ordered(self) -> tuple[DeviceKey, ...]:
        """The devices by GPU, each before its slices."""
        return tuple(sorted(self.devices))


def read_hosts(text: str) -> dict[str, HostPage]:
    """What the page says, by ``Hostname`` ("" where it names none).

    Args:
        text: The page. Lines of other metrics are not even parsed: an exporter has hundreds.

    Raises:
        MetricsParseError: A line that is asked for is no sample.
        TooManySeriesError: See there.
    """
    hosts: dict[str, HostPage] = {}
    seen: set[tuple[tuple[str, str], ...]] = set()
    for sample, unix_ns in parse_named(text, FIELD_BY_METRIC.keys()):
        seen.add(sample.labels)
        if len(seen) > SERIES_MAX:
            raise TooManySeriesError(f"names more than {SERIES_MAX:,} GPUs, slices and pods")
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
    """The fields that some device has a value of, in the order of FIELDS."""
    known = {
        name
        for name, values in page.values.items()
        if any(value is not None for value in values.values())
    }
    return tuple(field for field in FIELDS if field.name in known)


def _key_of(labels: Mapping[str, str]) -> DeviceKey | None:
    """The device, or None for a series of something else, such as a switch."""
    uuid = labels.get("UUID") or labels.get("uuid") or ""
    gpu, slice_id = _number(labels.get("gpu")), _number(labels.get("GPU_I_ID"))
    return DeviceKey(gpu, uuid, slice_id) if gpu >= 0 or uuid else None


def _number(text: str | None) -> int:
    """A label's number, -1 if it has none."""
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
    """A GPU that has slices is in MIG mode, whatever its own series look like."""
    split = {(key.gpu, key.uuid) for key in page.devices if key.is_slice}
    for key, device in page.devices.items():
        if (key.gpu, key.uuid) in split and not key.is_slice:
            page.devices[key] = SampledDevice(device.name, device.uuid, is_mig=True)
