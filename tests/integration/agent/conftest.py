"""Certificates for agents."""

from __future__ import annotations

import pytest

from diag.agent.listen import ServerCertificate
from tests.support.certificates import Certificates, make_certificates


@pytest.fixture(scope="package")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return make_certificates(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="package")
def identity(
    certificates: Certificates, tmp_path_factory: pytest.TempPathFactory
) -> ServerCertificate:
    folder = tmp_path_factory.mktemp("identity")
    cert, key = folder / "agent.pem", folder / "agent.key"
    cert.write_bytes(certificates.server_chain)
    key.touch(mode=0o600)
    key.write_bytes(certificates.server_key)
    return ServerCertificate(cert, key)
