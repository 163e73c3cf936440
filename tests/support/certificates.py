"""Certificates for TLS tests, created by new authorities."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import grpc
import trustme


@dataclass(frozen=True)
class Certificates:
    """An authority with a server and a client certificate, and another authority."""

    ca_file: Path
    other_ca_file: Path
    client_cert: Path
    client_key: Path
    server_key: bytes
    server_chain: bytes
    ca_pem: bytes

    def server(self, *, mutual: bool = False) -> grpc.ServerCredentials:
        return grpc.ssl_server_credentials(
            [(self.server_key, self.server_chain)],
            root_certificates=self.ca_pem if mutual else None,
            require_client_auth=mutual,
        )


def make_certificates(folder: Path, host: str = "localhost") -> Certificates:
    authority, stranger = trustme.CA(), trustme.CA()
    server, client = authority.issue_cert(host), authority.issue_cert("client@example.org")
    paths = [folder / name for name in ("ca.pem", "other.pem", "client.pem", "client.key")]
    authority.cert_pem.write_to_path(str(paths[0]))
    stranger.cert_pem.write_to_path(str(paths[1]))
    client.cert_chain_pems[0].write_to_path(str(paths[2]))
    client.private_key_pem.write_to_path(str(paths[3]))
    return Certificates(
        *paths,
        server_key=server.private_key_pem.bytes(),
        server_chain=b"".join(part.bytes() for part in server.cert_chain_pems),
        ca_pem=authority.cert_pem.bytes(),
    )
