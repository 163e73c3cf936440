"""XSpace as protobuf messages, made at run time in a private package.

TensorFlow's own classes cost seven seconds of import and may be registered only once a process.
Source of field numbers: tsl/profiler/protobuf/xplane.proto, TensorFlow 2.21.
"""

from __future__ import annotations

from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

_PACKAGE = "diag.oracle"
_SCALARS = {
    "int64": descriptor_pb2.FieldDescriptorProto.TYPE_INT64,
    "uint64": descriptor_pb2.FieldDescriptorProto.TYPE_UINT64,
    "double": descriptor_pb2.FieldDescriptorProto.TYPE_DOUBLE,
    "string": descriptor_pb2.FieldDescriptorProto.TYPE_STRING,
    "bytes": descriptor_pb2.FieldDescriptorProto.TYPE_BYTES,
}
# (number, name, type); "*" repeated, "|" member of the message's oneof, "map" int64 to message
_MESSAGES = {
    "XSpace": "1 planes *XPlane, 2 errors *string, 3 warnings *string, 4 hostnames *string",
    "XPlane": (
        "1 id int64, 2 name string, 3 lines *XLine, 4 event_metadata map:XEventMetadata,"
        " 5 stat_metadata map:XStatMetadata, 6 stats *XStat"
    ),
    "XLine": (
        "1 id int64, 10 display_id int64, 2 name string, 11 display_name string,"
        " 3 timestamp_ns int64, 9 duration_ps int64, 4 events *XEvent"
    ),
    "XEvent": (
        "1 metadata_id int64, 2 offset_ps |int64, 5 num_occurrences |int64, 3 duration_ps int64,"
        " 4 stats *XStat"
    ),
    "XStat": (
        "1 metadata_id int64, 2 double_value |double, 3 uint64_value |uint64,"
        " 4 int64_value |int64, 5 str_value |string, 6 bytes_value |bytes, 7 ref_value |uint64"
    ),
    "XEventMetadata": (
        "1 id int64, 2 name string, 4 display_name string, 3 metadata bytes, 5 stats *XStat,"
        " 6 child_id *int64"
    ),
    "XStatMetadata": "1 id int64, 2 name string, 3 description string",
}


def _entry(message: descriptor_pb2.DescriptorProto, field: str, value: str) -> str:
    name = "".join(part.capitalize() for part in field.split("_")) + "Entry"
    entry = message.nested_type.add(name=name)
    entry.options.map_entry = True
    _field(entry, 1, "key", "int64")
    _field(entry, 2, "value", value)
    return f"{message.name}.{name}"


def _field(message: descriptor_pb2.DescriptorProto, number: int, name: str, kind: str) -> None:
    field = message.field.add(name=name, number=number)
    field.label = descriptor_pb2.FieldDescriptorProto.LABEL_OPTIONAL
    if kind.startswith("map:"):
        kind = "*" + _entry(message, name, kind.removeprefix("map:"))
    if kind.startswith("*"):
        field.label = descriptor_pb2.FieldDescriptorProto.LABEL_REPEATED
        kind = kind[1:]
    elif kind.startswith("|"):
        if not message.oneof_decl:
            message.oneof_decl.add(name="one")
        field.oneof_index = 0
        kind = kind[1:]
    if kind in _SCALARS:
        field.type = _SCALARS[kind]
    else:
        field.type = descriptor_pb2.FieldDescriptorProto.TYPE_MESSAGE
        field.type_name = f".{_PACKAGE}.{kind}"


def _xspace_class() -> Any:
    file = descriptor_pb2.FileDescriptorProto(
        name="diag/oracle/xplane.proto", package=_PACKAGE, syntax="proto3"
    )
    for name, fields in _MESSAGES.items():
        message = file.message_type.add(name=name)
        for field in fields.split(","):
            number, field_name, kind = field.split()
            _field(message, int(number), field_name, kind)
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)  # type: ignore[no-untyped-call]
    return message_factory.GetMessageClass(pool.FindMessageTypeByName(f"{_PACKAGE}.XSpace"))


XSpace = _xspace_class()
