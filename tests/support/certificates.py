"""Certificates for servers on this machine."""

from __future__ import annotations

import subprocess
from pathlib import Path


def certify(folder: Path) -> tuple[Path, Path]:
    """Return a certificate for localhost that vouches for itself, and its key."""
    certificate, key = folder / "c.pem", folder / "k.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
         "-nodes", "-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1",
         "-days", "2", "-keyout", str(key), "-out", str(certificate)],
        check=True, capture_output=True, timeout=60,
    )  # fmt: skip
    return certificate, key
