"""What systemd hears: through a real datagram socket."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from blurcam.errors import ConfigError
from blurcam.serve.systemd import Notifier


@pytest.fixture
def systemd(tmp_path: Path) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(str(tmp_path / "notify"))
        listening.settimeout(10)
        yield listening


def test_every_message_arrives_as_systemd_spells_it(systemd: socket.socket) -> None:
    notifier = Notifier({"NOTIFY_SOCKET": systemd.getsockname()})
    before = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
    notifier.ready("4 cameras")
    notifier.status("3 of 4 cameras\nare being redacted now")
    notifier.watchdog()
    notifier.reloading()
    notifier.stopping()
    heard = [systemd.recv(4096).decode() for _ in range(5)]
    assert heard[:3] == [
        "READY=1\nSTATUS=4 cameras",
        "STATUS=3 of 4 cameras are being redacted now",
        "WATCHDOG=1",
    ]
    reloading, _, moment = heard[3].partition("\nMONOTONIC_USEC=")
    assert reloading == "RELOADING=1"
    assert before <= int(moment) <= time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
    assert heard[4] == "STOPPING=1"
    notifier.close()
    notifier.close()
    notifier.watchdog()


def test_an_abstract_socket_is_reached_too() -> None:
    name = f"blurcam-test-{os.getpid()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind("\0" + name)
        listening.settimeout(10)
        notifier = Notifier({"NOTIFY_SOCKET": "@" + name})
        notifier.ready()
        assert listening.recv(100) == b"READY=1"
        notifier.close()


def test_without_systemd_nothing_is_sent_and_nothing_fails() -> None:
    notifier = Notifier({})
    notifier.ready()
    notifier.watchdog()
    assert notifier.interval is None


def test_a_systemd_that_went_away_is_told_of_once(
    systemd: socket.socket, caplog: pytest.LogCaptureFixture
) -> None:
    notifier = Notifier({"NOTIFY_SOCKET": systemd.getsockname()})
    systemd.close()
    notifier.watchdog()
    notifier.watchdog()
    assert len(caplog.records) == 1
    notifier.close()


def test_a_full_socket_holds_nothing_up(systemd: socket.socket) -> None:
    notifier = Notifier({"NOTIFY_SOCKET": systemd.getsockname()})
    for _ in range(10_000):  # far more than a socket holds, and nobody reads
        notifier.watchdog()
    assert systemd.recv(100) == b"WATCHDOG=1"
    notifier.close()


def test_the_watchdog_is_fed_twice_as_often_as_it_asks() -> None:
    me = str(os.getpid())
    assert Notifier({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": me}).interval == 15
    assert Notifier({"WATCHDOG_USEC": "30000000"}).interval == 15
    assert Notifier({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "1"}).interval is None
    assert Notifier({"WATCHDOG_USEC": "soon"}).interval is None


def test_a_socket_of_another_machine_is_refused() -> None:
    with pytest.raises(ConfigError, match="NOTIFY_SOCKET"):
        Notifier({"NOTIFY_SOCKET": "vsock:2:1234"})
