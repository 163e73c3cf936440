"""The generated wire messages are those of the .proto files beside them."""

from __future__ import annotations

import importlib
import re
from pathlib import Path

import grpc_tools
import pytest
from google.protobuf import descriptor_pb2
from grpc_tools import protoc
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2
from opentelemetry.proto.common.v1 import common_pb2
from opentelemetry.proto.resource.v1 import resource_pb2
from opentelemetry.proto.trace.v1 import trace_pb2
from perfetto.protos.perfetto.trace import perfetto_trace_pb2

from diag.telemetry.sending import EXPORT

ROOT = Path(__file__).parents[2]
WIRE = ROOT / "diag" / "formats" / "wire"
WELL_KNOWN = Path(grpc_tools.__file__).parent / "_proto"
PROTOS = sorted(path.name for path in WIRE.glob("*.proto"))


def test_there_is_generated_code_for_each_proto_and_no_other() -> None:
    assert "batching.proto" in PROTOS
    stems = {name.removesuffix(".proto") for name in PROTOS}
    assert {path.name.removesuffix("_pb2.py") for path in WIRE.glob("*_pb2.py")} == stems
    assert {path.name.removesuffix("_pb2.pyi") for path in WIRE.glob("*_pb2.pyi")} == stems


@pytest.mark.parametrize("name", PROTOS)
def test_generated_code_is_that_of_its_proto(name: str, tmp_path: Path) -> None:
    module = importlib.import_module(f"diag.formats.wire.{name.removesuffix('.proto')}_pb2")
    output = tmp_path / "set.pb"
    arguments = ["protoc", f"-I{ROOT}", f"-I{WELL_KNOWN}", f"--descriptor_set_out={output}"]
    assert protoc.main([*arguments, str(WIRE / name)]) == 0
    (compiled,) = descriptor_pb2.FileDescriptorSet.FromString(output.read_bytes()).file
    generated = descriptor_pb2.FileDescriptorProto()
    module.DESCRIPTOR.CopyToProto(generated)
    for file in (compiled, generated):
        without_json_names(file.message_type)
    assert generated == compiled


def test_our_part_of_perfetto_is_as_perfetto_defines_it() -> None:
    ours = importlib.import_module("diag.formats.wire.perfetto_pb2").DESCRIPTOR
    named = {"PerfettoTrace": "Trace", "PerfettoPacket": "TracePacket"}
    checked = 0
    for name, message in ours.message_types_by_name.items():
        other = getattr(perfetto_trace_pb2, named.get(name, name)).DESCRIPTOR
        for field in message.fields:
            known = other.fields_by_name[field.name]
            assert (field.number, field.type) == (known.number, known.type), field.full_name
            assert field.is_packed == known.is_packed, field.full_name
            checked += 1
        for enum in message.enum_types:
            known_numbers = {v.number for v in other.enum_types_by_name[enum.name].values}
            assert {value.number for value in enum.values} <= known_numbers
    assert checked > 25


def test_our_part_of_otlp_is_as_opentelemetry_defines_it() -> None:
    ours = importlib.import_module("diag.formats.wire.otlp_pb2").DESCRIPTOR
    theirs = {
        name: message
        for module in (trace_service_pb2, common_pb2, resource_pb2, trace_pb2)
        for name, message in module.DESCRIPTOR.message_types_by_name.items()
    }
    pairs = [(message, theirs[name]) for name, message in ours.message_types_by_name.items()]
    pairs += [
        (nested, other.nested_types_by_name[nested.name])
        for message, other in list(pairs)
        for nested in message.nested_types
    ]
    checked = 0
    for message, other in pairs:
        for field in message.fields:
            known = other.fields_by_name[field.name]
            assert (field.number, field.type) == (known.number, known.type), field.full_name
            assert field.is_repeated == known.is_repeated, field.full_name
            checked += 1
        for enum in message.enum_types:
            known_values = other.enum_types_by_name[enum.name].values_by_name
            for value in enum.values:
                assert value.number == known_values[value.name].number
    assert checked > 30
    method = trace_service_pb2.DESCRIPTOR.services_by_name["TraceService"].methods_by_name["Export"]
    assert f"/{method.containing_service.full_name}/{method.name}" == EXPORT


def without_json_names(messages: object) -> None:
    """Drop the JSON names, which protoc derives for a descriptor set only."""
    for message in messages:
        for field in message.field:
            field.ClearField("json_name")
        without_json_names(message.nested_type)


@pytest.mark.parametrize("name", PROTOS)
def test_messages_live_in_a_private_package_and_run_on_the_oldest_protobuf_supported(
    name: str,
) -> None:
    assert re.search(r"^package diag\.wire;", (WIRE / name).read_text(), re.MULTILINE)
    code = (WIRE / f"{name.removesuffix('.proto')}_pb2.py").read_text()
    assert "# Protobuf Python Version: 6.31.1" in code
    assert "protobuf>=6.31.1" in (ROOT / "pyproject.toml").read_text()
