"""A bundle with a secret in every place where a name can be."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING, Any

from diag.formats.bundle.manifest import CaveatRecord, ClockRecord, Manifest, SourceRecord
from diag.formats.bundle.writer import BundleWriter
from diag.model.samples import SampledDevice, SampleSeries
from diag.testing import wire_format as wire
from diag.testing.xspace_builder import build_space
from tests.unit.formats.test_bundle import CREATED

if TYPE_CHECKING:
    from collections.abc import Iterable

# Each is planted once or more; none of its parts may be in any output.
SECRETS = (
    *(
        "acme-frauddetector",
        "zephyrine",
        "kestrelhost",
        "10.77.88.99",
        "10-77-88-99",
        "2001:db8:77::42",
    ),
    *("quasimodo", "secretscope", "hiddenlayer", "CustomWombatOp", "narwhalpool", "axolotlsig"),
    *("pangolin", "capybara", "wolverine", "chinchilla", "ocelot", "marmoset", "lemurpath"),
    *("tapirannotation", "bonobohlo", "gibbonsource", "mandrillkernel", "numbatthread", "quokka"),
    *("dugonghost", "aardvarkstat", "echidnablob", "platypus", "kinkajou", "margay", "serval77"),
    *("tarsierlabel", "bilbytool", "potoroo", "wallaroo", "bandicoot", "manateequeue", "okapiword"),
    *("vicunaplane", "peccary", "binturong", "cassowary", "hoatzin", "kakapo", "moaversion"),
    *("dikdikfield", "gerenuk", "saolacomment", "takinkey", "zorillafile", "Ünicornsecret"),
)

TRACE_TEXT = """
env profile_start_time=1700000000000000000
env aardvarkstat=potoroo
error Failed to load libcupti for kestrelhost (zephyrine): CUPTI_ERROR_INSUFFICIENT_PRIVILEGES
error No such file: /opt/quasimodo/lib/libcupti.so
warning Detected GPU events dropped on kestrelhost: 3 events dropped because okapiword
hostname kestrelhost
plane /host:CPU
stat vicunaplane="/opt/quasimodo/models"
line grpcpp_sync_ser_1
  BatchingSessionRun 0..12000us model_id="acme-frauddetector:3"
    ScheduleWithoutSplit 5..20us batching_input_task_size=1
      ScheduleOutputTask 10..15us size=1 _p=4294967296
line grpcpp_sync_ser_2
  BatchingSessionRun 2000..12100us model_id="acme-frauddetector:3"
    ScheduleWithoutSplit 2005..2020us batching_input_task_size=1
      ScheduleOutputTask 2010..2015us size=1 _p=4294967296
line narwhalpool/77
  ProcessBatch 8010..11900us _c=4294967296 batch_size_before_padding=2
    MergeInputTensors 8020..8100us
    SessionRun 8110..11800us _r=1 _p=77
line tf_Compute_1
  ExecutorState::Process 8200..11700us _c=77 id=77
    secretscope/hiddenlayer/DecodeJpeg:DecodeJpeg 8210..9000us
    secretscope/hiddenlayer_2/pangolin:CustomWombatOp 9000..10000us name="capybara/x"
    Ünicornsecret/MatMul:MatMul 10000..11690us
line numbatthread
  diag.stage:tapirannotation 100..200us
  $gibbonsource.py:12 wolverine 200..300us
  EagerLocalExecute: __inference_chinchilla_step_42 300..400us
  PjitFunction(ocelot) 400..500us
  Predict user=marmoset@platypus.io from 10.77.88.99 500..600us
  Connect [2001:db8:77::42]:443 600..700us
  Peer ip-10-77-88-99.zephyrine.io 700..800us
plane /device:GPU:0
stat gpu_device_name="NVIDIA A100-SXM4-80GB"
line Stream #7(Compute)
  void mandrillkernel<float>(int) 9000..9300us correlation_id=5 kernel_details="regs:32 grid:1,1,1"
  fusion_3 9300..9500us hlo_module="jit_bonobohlo" hlo_op="fusion.3" tf_op="secretscope/x:MatMul"
  ampere_sgemm_128x64_tn 9600..9900us correlation_id=6
plane /host:vicunaplane
line cassowary
  hoatzin 1..2us
"""


def trace() -> bytes:
    """The readable lines, and what they cannot say: display names, descriptions, bytes."""
    blob = wire.bytes_field(6, b"\x0a\x0bechidnablob")
    stat = wire.number_field(1, 1) + blob
    line = (
        wire.text_field(2, "kakapo")
        + wire.text_field(11, "kakapo")
        + wire.bytes_field(4, wire.number_field(1, 1) + wire.bytes_field(4, stat))
        + wire.text_field(15, "peccary")  # no field of an XLine
    )
    metadata = (
        wire.number_field(1, 1)
        + wire.text_field(2, "binturong")
        + wire.bytes_field(3, b"echidnablob")
        + wire.text_field(4, "binturong")
        + wire.bytes_field(5, wire.number_field(1, 1) + wire.bytes_field(5, b"moaversion"))
    )
    named = wire.number_field(1, 1) + wire.text_field(2, "Hlo Proto") + wire.text_field(3, "margay")
    plane = (
        wire.text_field(2, "/host:metadata")
        + wire.bytes_field(3, line)
        + wire.bytes_field(4, wire.number_field(1, 1) + wire.bytes_field(2, metadata))
        + wire.bytes_field(5, wire.number_field(1, 1) + wire.bytes_field(2, named))
    )
    return build_space(TRACE_TEXT) + wire.bytes_field(1, plane) + wire.text_field(9, "peccary")


PARAMETERS = (
    "# saolacomment: ask quasimodo\nmax_batch_size { value: 8 }\n"
    "batch_timeout_micros { value: 8000 }\n"
    'num_batch_threads { value: 2 }\nthread_pool_name { value: "narwhalpool" }\n'
)
SERVER: dict[str, Any] = {
    "models": [{"name": "acme-frauddetector", "version": 3, "state": "AVAILABLE"}],
    "signatures": {
        "acme-frauddetector": {
            "axolotlsig": {
                "method_name": "tensorflow/serving/predict",
                "inputs": {"lemurpath": {"dtype": "float32", "shape": [-1, 4]}},
                "outputs": {"serval77": {"dtype": "float32"}},
            }
        }
    },
    "batching_parameters": PARAMETERS,
}
_LOADS = ":tensorflow:cc:saved_model:load_attempt_count"
METRICS = f"""# HELP :tensorflow:serving:request_count by takinkey
# TYPE :tensorflow:serving:request_count counter
:tensorflow:serving:request_count{{{{model_name="acme-frauddetector",status="OK"}}}} {{count}}
# TYPE :tensorflow:tarsierlabel gauge
:tensorflow:tarsierlabel{{{{x="tarsierlabel"}}}} 1
{_LOADS}{{{{model_path="/srv/lemurpath/acme-frauddetector/3",status="success"}}}} 1
"""
HOST = SampleSeries(
    source="host",
    period_ns=50_000_000,
    units={"cpu_percent": "%", "dikdikfield": "gerenuk"},
    samples=(
        {"unix_ns": 1_700_000_000_000_000_000, "cpu_percent": [1.5, 99], "dikdikfield": "gerenuk"},
    ),
    missing={"cgroup_throttled_ns": "/proc/quasimodo cannot be read"},
    taken_by="kestrelhost:9500",
)
GPU = SampleSeries(
    source="gpu",
    period_ns=50_000_000,
    units={"processes": "records", "utilization_percent": "%"},
    samples=(
        {
            "unix_ns": 1_700_000_000_001_000_000,
            "utilization_percent": [50],
            "processes": [[{"pid": 7, "name": "kinkajou", "memory_bytes": 1}]],
        },
    ),
    missing={"0:power_mw": "kestrelhost does not tell"},
    devices=(SampledDevice("NVIDIA A100-SXM4-80GB", "GPU-quokka-1234"),),
    taken_by="kestrelhost:9500",
)
STACKS = {
    "period_ns": 5_000_000,
    "frames": [
        {"file": "zorillafile/serve.py", "function": "wallaroo", "first_line": 1, "is_user": True},
        {"file": "bandicoot/core.py", "function": "quokka", "first_line": 1, "is_user": False},
        {"file": "queue.py", "function": "get", "first_line": 1, "is_user": False},
    ],
    "stacks": [[0, 1, 2]],
    "samples": {
        "unix_ns": [1_700_000_000_001_000_000],
        "thread_id": [7],
        "weight": [2],
        "cpu_ns": [-1],
        "stack_id": [0],
    },
    "incomplete": "stopped by manateequeue",
}
CLIENT_LOG = "start,end,status\n" + "".join(
    f"{1_700_000_000_000_000_000 + i},{1_700_000_000_012_200_000 + i},okapiword\n" for i in range(2)
)


def manifest(**fields: Any) -> Manifest:
    return Manifest(
        created=CREATED,
        diag_version="0.1.0",
        tools={"grpcio": "1.85.1", "bilbytool": "moaversion"},
        target={
            "server": "kestrelhost.zephyrine.io:8500",
            "address": "ipv4:10.77.88.99:8500",
            "tls": False,
            "trace": "inline",
            "hostnames": ["kestrelhost", "dugonghost"],
            "peccary": "peccary",
        },
        plan={
            "duration_ms": 100,
            "models": ["acme-frauddetector"],
            "agent": "kestrelhost:9500",
            "peccary": "peccary",
        },
        clocks=(ClockRecord("host", 0, 1000), ClockRecord("gpu", 0, 1000)),
        sources={
            "metrics": SourceRecord("recorded", "http://kestrelhost.zephyrine.io:8501/lemurpath"),
            "dcgm": SourceRecord("unavailable", "http://kestrelhost:9400 refused by dugonghost"),
        },
        caveats=(CaveatRecord("no-gpu", "Without GPU samples on dugonghost: /opt/quasimodo."),),
        observer={"what": "latency by quasimodo", "during": {"mean_ms": 1.5, "takinkey": 2.0}},
        **fields,
    )


def bundle() -> bytes:
    out = io.BytesIO()
    with BundleWriter(out) as writer:
        writer.add_trace("kestrelhost.zephyrine.io:8500", trace())
        writer.add_samples(HOST)
        writer.add_samples(GPU)
        writer.add_metrics("before", METRICS.format(count=1).encode())
        writer.add_metrics("after", METRICS.format(count=3).encode())
        writer.add_server(SERVER)
        writer.add_stacks(json.dumps(STACKS).encode())
        writer.finish(manifest())
    return out.getvalue()


def leaks(texts: Iterable[str | bytes]) -> list[str]:
    """Secrets, or telling parts of them, that are in any of the texts."""
    parts = {part for secret in SECRETS for part in (secret, *secret.split("-")) if len(part) > 3}
    whole = "\n".join(
        each if isinstance(each, str) else each.decode("utf-8", "replace") for each in texts
    ).lower()
    return sorted(part for part in parts if part.lower() in whole)
