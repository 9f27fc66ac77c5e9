"""The search for credentials finds them; what prints addresses is judged by it elsewhere."""

from __future__ import annotations

import base64

import pytest

from tests.proof.secrets import URLS, Address, shown


@pytest.mark.parametrize("address", URLS, ids=lambda address: address.url)
def test_a_secret_is_found_in_every_coding(address: Address) -> None:
    assert shown(address, f"cannot open {address.url}: refused") != []
    for secret in address.secrets:
        basic = base64.b64encode(f"admin:{secret}".encode())
        assert shown(address, b"Authorization: Basic " + basic) != []
        assert shown(address, f"password is {secret.upper()}") != []
    assert shown(address, "cannot open rtsp://***@127.0.0.1/a: refused") == []


def test_there_are_twenty_shapes() -> None:
    assert len({address.url for address in URLS}) >= 20
