from collections.abc import Callable

TextOf = Callable[[bytes], bytes]

def rewrite(
    data: bytes | memoryview,
    name_of: TextOf,
    sentence_of: TextOf,
    host_of: TextOf,
    blob_of: TextOf,
) -> bytes:
    """A copy of a serialized XSpace with other texts; numbers and their order are kept.

    Each function is called once for equal bytes, which need not be UTF-8.

    Args:
        data: The XSpace.
        name_of: What the name of a plane, line, event or stat becomes, or a stat's text.
        sentence_of: What an error or a warning of the tracers becomes.
        host_of: What the name of the host becomes.
        blob_of: What bytes become, such as an HLO module.

    Raises:
        XSpaceDecodeError: The bytes are truncated or corrupt.
    """
