"""Wire messages: small .proto files in a private package, and the code generated from them.

Regenerate with grpcio-tools 1.74.0 (protoc 31.1, whose code any protobuf from 6.31.1 on takes)::

    python -m grpc_tools.protoc -I . --python_out=. --pyi_out=. diag/formats/wire/*.proto
"""
