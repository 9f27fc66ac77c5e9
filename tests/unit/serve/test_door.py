"""The door of the page: guesses, half-open requests, and more of them than there is room for."""

from __future__ import annotations

import socket
import ssl
from contextlib import ExitStack, suppress
from pathlib import Path

import httpx
import pytest

from blurcam.serve.web.throttle import TokenThrottle
from blurcam.settings.web import Web
from tests.support.boards import BEARER, TOKEN, FedBoard, raw, serving, still
from tests.support.certificates import certify
from tests.support.clocks import HandClock


def test_wrong_tokens_are_slowed_more_each_time_and_logged_with_their_address(
    board: FedBoard, caplog: pytest.LogCaptureFixture
) -> None:
    # Seen to fail with `TokenThrottle.wait` answering 0.
    clock = HandClock()
    with serving(board, Web(port=0, token=TOKEN), clock) as server:
        url = server.url.rstrip("/")

        def code(token: str) -> int:
            headers = {"Authorization": f"Bearer {token}"}
            return httpx.get(url + "/metrics", headers=headers).status_code

        assert [code(f"guess-{n}") for n in range(8)] == [401] * 4 + [429] * 4
        assert code(TOKEN) == 429, "the right one would tell that the others were wrong"
        form = httpx.post(url + "/login", data={"token": TOKEN}, headers={"Origin": url})
        assert (form.status_code, form.headers["retry-after"]) == (429, "1")
        assert httpx.get(url + "/healthz").status_code in (200, 503)
        clock.now += 1
        assert [code("guess"), code("guess")] == [401, 429]
        clock.now += 2
        assert code(TOKEN) == 200
        assert code("guess") == 401, "forgotten"
    assert "a wrong token from 127.0.0.1, the 5th in a row; no other is checked for 2 s" in (
        caplog.text
    )
    assert "guess" not in caplog.text


def test_wrong_logins_count_too_and_a_session_goes_on(board: FedBoard) -> None:
    with serving(board, Web(port=0, token=TOKEN), HandClock()) as server:
        url = server.url.rstrip("/")
        with httpx.Client(base_url=url, headers={"Origin": url}) as browser:
            assert browser.post("/login", data={"token": TOKEN}).status_code == 303
            wrong = [browser.post("/login", data={"token": "no"}).status_code for _ in range(6)]
            assert wrong == [401] * 4 + [429] * 2
            assert browser.get("/status.json").status_code == 200


def test_the_wait_doubles_for_a_client_is_bounded_and_is_forgotten() -> None:
    clock = HandClock()
    throttle = TokenThrottle(clock)
    waits = []
    for _ in range(14):
        throttle.note("192.0.2.1", is_right=False)
        waits.append(throttle.wait("192.0.2.1"))
        clock.now += waits[-1]
    assert waits == [0, 0, 0, 1, 2, 4, 8, 16, 32, 60, 60, 60, 60, 60]
    assert throttle.wait("192.0.2.2") == 0
    clock.now += 901
    throttle.note("192.0.2.1", is_right=False)
    assert throttle.wait("192.0.2.1") == 0


def test_guesses_from_many_addresses_are_slowed_together_and_take_no_memory() -> None:
    clock = HandClock()
    throttle = TokenThrottle(clock)
    looked_at = 0
    for number in range(20_000):
        address = f"2001:db8:{number % 7}:{number:x}::{number:x}"
        if not throttle.wait(address):
            looked_at += 1
            throttle.note(address, is_right=False)
        clock.now += 0.01
    assert looked_at < 250, "in 200 s"
    assert throttle.wait("198.51.100.1") <= 2, "nobody else waits for long"
    one_network = TokenThrottle(clock)
    for number in range(6):
        one_network.note(f"2001:db8::{number:x}", is_right=False)
    assert one_network.wait("2001:db8::ffff:1") > 0


def test_clients_that_never_finish_a_request_are_let_go_and_hold_nobody_up(
    page: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Slowloris. Seen to fail with uvicorn's own protocol, which waits for ever.
    monkeypatch.setattr("blurcam.serve.web.server._REQUEST_SECONDS", 3.0)
    host, port = page.removeprefix("http://").split(":")
    with ExitStack() as stack:
        slow = []
        for start in (
            b"",
            b"GET / HTTP/1.1\r\nHost: local",
            b"GET / HTTP/1.1\r\nHost: localhost\r\n",
        ):
            for _ in range(20):
                client = socket.create_connection((host, int(port)), timeout=60)
                slow.append(stack.enter_context(client))
                client.sendall(start)
        assert httpx.get(page + "/healthz", timeout=30).status_code == 200
        dripping = slow[-1]
        dripping.settimeout(0.2)
        closed = False
        for _ in range(300):  # one more header line every 0.2 s, never the last
            try:
                dripping.sendall(b"X-More: 1\r\n")
                closed = dripping.recv(100) == b""
            except TimeoutError:
                continue
            except OSError:
                closed = True
            if closed:
                break
        assert closed
        for client in slow[:-1]:
            with suppress(ConnectionResetError):
                assert client.recv(1000) == b""


def test_a_body_that_never_ends_is_let_go(locked: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("blurcam.serve.web.sign_in._LOGIN_SECONDS", 1.0)
    host, port = locked.removeprefix("http://").split(":")
    head = (
        "POST /login HTTP/1.1\r\nHost: localhost\r\nOrigin: http://localhost\r\n"
        "Content-Length: 400\r\n\r\ntoken="
    )
    with socket.create_connection((host, int(port)), timeout=60) as client:
        client.sendall(head.encode())
        assert client.recv(1000).startswith(b"HTTP/1.1 408 ")


@pytest.mark.parametrize("end", [b"", b"\r\n\r\n"])
@pytest.mark.parametrize("size", [17_000, 60_000, 100_000])
def test_headers_beyond_16_kb_are_refused_whether_they_end_or_not(
    page: str, size: int, end: bytes
) -> None:
    with suppress(ConnectionResetError):  # refused before all of it was sent
        answer = raw(page, b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + b"a" * size + end)
        assert answer.startswith(b"HTTP/1.1 4") or answer == b""
    fits = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nX: "
    assert raw(page, fits + b"a" * 15_000 + b"\r\n\r\n").startswith(b"HTTP/1.1 200 ")


def test_half_open_requests_leave_a_place_for_everybody_else(page: str) -> None:
    # Seen to fail with uvicorn's limit_concurrency: 503 for all.
    host, port = page.removeprefix("http://").split(":")
    with ExitStack() as stack:
        for number in range(400):
            client = stack.enter_context(socket.create_connection((host, int(port)), timeout=60))
            with suppress(OSError):
                client.sendall(b"GET / HTTP/1.1\r\nHost: local")
            if number % 100 == 99:
                assert httpx.get(page + "/healthz", timeout=30).status_code == 200
                assert httpx.get(page + "/readyz", timeout=30).status_code == 200


def test_when_all_places_are_taken_monitors_are_still_answered(
    board: FedBoard, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("blurcam.serve.web.server._CONNECTIONS", 8)
    monkeypatch.setattr("blurcam.serve.web.server._RESERVED", 4)
    with serving(board) as server, ExitStack() as stack:
        url = server.url.rstrip("/")
        parts = []
        for _ in range(8):
            stream = stack.enter_context(httpx.stream("GET", url + "/cameras/door/live.mjpeg"))
            parts.append(stream.iter_raw())
            next(parts[-1])
        assert httpx.get(url + "/status.json").status_code == 503
        assert httpx.get(url + "/healthz").status_code == 200
        assert httpx.get(url + "/readyz").status_code == 200


def test_more_viewers_of_streams_than_allowed_are_sent_away(page: str) -> None:
    parts = []
    with ExitStack() as stack:
        for _ in range(16):
            stream = stack.enter_context(httpx.stream("GET", page + "/cameras/door/live.mjpeg"))
            parts.append(stream.iter_raw())  # kept, since httpx closes what is forgotten
            next(parts[-1])
        assert httpx.get(page + "/cameras/door/live.mjpeg").status_code == 503
        assert httpx.get(page + "/cameras/door/still.jpg").status_code == 200


def test_connections_that_never_speak_tls_take_no_descriptor_from_the_cameras(
    board: FedBoard, tmp_path: Path
) -> None:
    # Seen to fail with a plain socket: no file could be opened in the service any more.
    certificate, key = certify(tmp_path)
    web = Web(port=0, token=TOKEN, certificate=certificate, key=key)
    with serving(board, web) as server, ExitStack() as stack:
        trust = ssl.create_default_context(cafile=str(certificate))
        stream = stack.enter_context(
            httpx.stream("GET", server.url + "cameras/door/live.mjpeg", headers=BEARER,
                         verify=trust, timeout=60)
        )  # fmt: skip
        parts = stream.iter_raw()
        next(parts)
        before = len(list(Path("/proc/self/fd").iterdir()))
        for _ in range(500):
            client = socket.create_connection(("127.0.0.1", server.port), timeout=60)
            stack.enter_context(client)
        assert httpx.get(server.url + "healthz", verify=trust, timeout=60).status_code == 200
        # Our own ends, and those that the server holds.
        assert len(list(Path("/proc/self/fd").iterdir())) - before < 500 + 260
        board.stills["door"] = still(640, 360)
        assert next(parts), "and who watches goes on watching"
