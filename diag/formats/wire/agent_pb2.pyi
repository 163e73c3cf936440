from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class DescribeRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class Description(_message.Message):
    __slots__ = ("protocol", "diag_version", "hostname", "boot_id", "server", "sources", "period_min_ns", "period_max_ns", "duration_max_ns")
    PROTOCOL_FIELD_NUMBER: _ClassVar[int]
    DIAG_VERSION_FIELD_NUMBER: _ClassVar[int]
    HOSTNAME_FIELD_NUMBER: _ClassVar[int]
    BOOT_ID_FIELD_NUMBER: _ClassVar[int]
    SERVER_FIELD_NUMBER: _ClassVar[int]
    SOURCES_FIELD_NUMBER: _ClassVar[int]
    PERIOD_MIN_NS_FIELD_NUMBER: _ClassVar[int]
    PERIOD_MAX_NS_FIELD_NUMBER: _ClassVar[int]
    DURATION_MAX_NS_FIELD_NUMBER: _ClassVar[int]
    protocol: int
    diag_version: str
    hostname: str
    boot_id: str
    server: str
    sources: _containers.RepeatedCompositeFieldContainer[SourceState]
    period_min_ns: int
    period_max_ns: int
    duration_max_ns: int
    def __init__(self, protocol: _Optional[int] = ..., diag_version: _Optional[str] = ..., hostname: _Optional[str] = ..., boot_id: _Optional[str] = ..., server: _Optional[str] = ..., sources: _Optional[_Iterable[_Union[SourceState, _Mapping]]] = ..., period_min_ns: _Optional[int] = ..., period_max_ns: _Optional[int] = ..., duration_max_ns: _Optional[int] = ...) -> None: ...

class SourceState(_message.Message):
    __slots__ = ("source", "unavailable", "detail", "period_ns")
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    UNAVAILABLE_FIELD_NUMBER: _ClassVar[int]
    DETAIL_FIELD_NUMBER: _ClassVar[int]
    PERIOD_NS_FIELD_NUMBER: _ClassVar[int]
    source: str
    unavailable: str
    detail: str
    period_ns: int
    def __init__(self, source: _Optional[str] = ..., unavailable: _Optional[str] = ..., detail: _Optional[str] = ..., period_ns: _Optional[int] = ...) -> None: ...

class ClockRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ClockReading(_message.Message):
    __slots__ = ("unix_ns",)
    UNIX_NS_FIELD_NUMBER: _ClassVar[int]
    unix_ns: int
    def __init__(self, unix_ns: _Optional[int] = ...) -> None: ...

class Wanted(_message.Message):
    __slots__ = ("source", "period_ns")
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    PERIOD_NS_FIELD_NUMBER: _ClassVar[int]
    source: str
    period_ns: int
    def __init__(self, source: _Optional[str] = ..., period_ns: _Optional[int] = ...) -> None: ...

class SampleRequest(_message.Message):
    __slots__ = ("wanted",)
    WANTED_FIELD_NUMBER: _ClassVar[int]
    wanted: _containers.RepeatedCompositeFieldContainer[Wanted]
    def __init__(self, wanted: _Optional[_Iterable[_Union[Wanted, _Mapping]]] = ...) -> None: ...

class SampleReply(_message.Message):
    __slots__ = ("source", "lines", "dropped", "read_max_ns", "unavailable", "ended")
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    LINES_FIELD_NUMBER: _ClassVar[int]
    DROPPED_FIELD_NUMBER: _ClassVar[int]
    READ_MAX_NS_FIELD_NUMBER: _ClassVar[int]
    UNAVAILABLE_FIELD_NUMBER: _ClassVar[int]
    ENDED_FIELD_NUMBER: _ClassVar[int]
    source: str
    lines: bytes
    dropped: int
    read_max_ns: int
    unavailable: str
    ended: str
    def __init__(self, source: _Optional[str] = ..., lines: _Optional[bytes] = ..., dropped: _Optional[int] = ..., read_max_ns: _Optional[int] = ..., unavailable: _Optional[str] = ..., ended: _Optional[str] = ...) -> None: ...
