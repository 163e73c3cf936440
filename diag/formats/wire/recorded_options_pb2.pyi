from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Optional as _Optional

DESCRIPTOR: _descriptor.FileDescriptor

class RecordedOptions(_message.Message):
    __slots__ = ("host_tracer_level", "duration_ms")
    HOST_TRACER_LEVEL_FIELD_NUMBER: _ClassVar[int]
    DURATION_MS_FIELD_NUMBER: _ClassVar[int]
    host_tracer_level: int
    duration_ms: int
    def __init__(self, host_tracer_level: _Optional[int] = ..., duration_ms: _Optional[int] = ...) -> None: ...
