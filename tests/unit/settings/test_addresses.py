"""Addresses hide what is secret in them, whatever it looks like."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blurcam.errors import ConfigError
from blurcam.settings.addresses import is_live, mask, parse_address

PASSWORDS = ("pa55word", "p@ss:w/rd", "gå#?&=%", "with space", "100%", "a@b@c", "p%40ss", "***x")


@pytest.mark.parametrize("password", PASSWORDS)
def test_a_password_of_any_characters_reaches_the_camera_and_no_text(password: str) -> None:
    address = parse_address("rtsp://cam:554/stream?x=1", username="us er", password=password)
    assert password not in f"{address} {address!r} {address.shown}"
    for said in (f"cannot open {address.location}: no", f"wrong password {password}!"):
        shown = address.mask(said)
        assert password not in shown
        assert address.location not in shown


@pytest.mark.parametrize("password", ["pa55word", "p@ss:w/rd", "a@b@c", "p%40ss"])
def test_an_address_may_hold_the_password_unescaped(password: str) -> None:
    address = parse_address(f"rtsp://admin:{password}@cam:554/stream")
    assert address.location.endswith("@cam:554/stream")
    assert address.location.count("@") == 1
    assert password not in f"{address} {address!r}"


@given(st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]), min_size=4))
def test_no_password_is_ever_shown(password: str) -> None:
    address = parse_address("rtsp://cam/live", username="admin", password=f"é{password}")
    assert f"é{password}" not in str(address)
    assert address.location.startswith("rtsp://admin:")
    assert address.location.endswith("@cam/live")
    assert f"é{password}" not in address.mask(f"Server said: é{password} is wrong")


@pytest.mark.parametrize(
    "text",
    [
        "rtsp://cam/live?user=admin&password=hunter22",
        "rtsp://cam/user=admin_password=hunter22_channel=1_stream=0.sdp",
        "http://cam/video.mjpg?token=hunter22",
        "rtsp://hunter22@cam/live",
        "rtsp://hunter:22/hunter22@cam/live",
    ],
)
def test_secrets_elsewhere_in_an_address_are_hidden_too(text: str) -> None:
    assert "hunter22" not in str(parse_address(text))
    assert "hunter22" not in mask(f"[tcp @ 0x55] error opening {text}: refused")


def test_what_is_no_secret_stays() -> None:
    assert str(parse_address("rtsp://cam:554/ch1/main?profile=2")) == (
        "rtsp://cam:554/ch1/main?profile=2"
    )
    assert str(parse_address("rtsp://[fe80::1]:554/x")) == "rtsp://[fe80::1]:554/x"
    assert str(parse_address("/dev/video0")) == "/dev/video0"


def test_a_number_is_a_webcam_unless_there_is_such_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert is_live("0")
    assert (parse_address("0").kind, str(parse_address("0"))) == ("device", "/dev/video0")
    (tmp_path / "0").touch()
    assert not is_live("0")
    assert parse_address("0").kind == "file"


@pytest.mark.parametrize("text", ["ftp://cam/x", "rtsp://a b c/x", "rtsp://u:p@/x"])
def test_an_address_that_cannot_be_read_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match=r"^source: "):
        parse_address(text)
