"""A recording on a server: read by ranges, as a file that can be read from any place."""

from __future__ import annotations

import hashlib
import http.client
import io
import re
import urllib.error
import urllib.request
from contextlib import suppress
from typing import Any, Final
from urllib.parse import unquote, urlsplit, urlunsplit

from blurcam.errors import SourceOpenError, SourceRefused
from blurcam.settings.addresses import Address

_SECONDS: Final = 20.0
# Whether an address is a recording is asked before anything else is done: nobody waits for long.
_ASKING_SECONDS: Final = 5.0
_BUFFER: Final = 1 << 18
# So much is read and left out rather than asked for anew.
_SHORT_WAY: Final = 1 << 20
# A connection that breaks is made again so often before the next byte comes.
_RETRIES: Final = 3
# A server that knows no ranges sends the file from its beginning, again for each step back.
_MOST_STARTS: Final = 24
# What endless streams claim; no recording is as large.
_LARGEST: Final = 1 << 42
_MOST_REDIRECTS: Final = 3
_RANGE: Final = re.compile(r"bytes (\d+)-\d+/(\d+)")
# What a camera or a web page answers with, though it may say how long it is.
_NO_RECORDING: Final = ("image/", "multipart/", "text/html", "application/dash+xml")
_FAULTS: Final = (OSError, http.client.HTTPException)


class HttpFile(io.RawIOBase):
    """The bytes of a recording on a server, one request at a time.

    Nothing but its own address is asked for: a redirect to another host is refused. All that was
    read in order is hashed on the way.
    """

    _answer: Any = None  # where nobody answered, close() has nothing to end

    def __init__(self, address: Address, seconds: float = _SECONDS) -> None:
        """Ask for the file; raises SourceOpenError where the answer is none that ends."""
        super().__init__()
        self._address = address
        self._seconds = seconds
        self._url, self._opener = _opener(address)
        self._place = 0  # of the next byte that is read
        self._at = 0  # of the next byte that the connection brings
        self._starts = 0
        self._hash = hashlib.sha256()
        self._hashed = 0
        self.name = urlsplit(self._url).path.rsplit("/", 1)[-1] or "recording"
        with _translated(address):
            self._answer = self._asked(0)
            self.kind = str(self._answer.headers.get_content_type())
            self._mark = _mark_of(self._answer)
            self.size = self._size()

    def _asked(self, place: int) -> Any:
        headers = {"Range": f"bytes={place}-", "Accept-Encoding": "identity"}
        asked = urllib.request.Request(self._url, headers=headers)
        return self._opener.open(asked, timeout=self._seconds)

    def _size(self) -> int:
        told = _RANGE.fullmatch(self._answer.headers.get("Content-Range", ""))
        length = told[2] if told is not None else self._answer.headers.get("Content-Length", "")
        size = int(length) if length.isdecimal() else 0
        if not 0 < size < _LARGEST or self._answer.headers.get("Content-Encoding"):
            self.close()
            raise SourceOpenError(f"{self._address}: does not say how long it is: no recording")
        return size

    @property
    def is_recording(self) -> bool:
        """Whether it may be one, by what the server says that it is."""
        return not self.kind.startswith(_NO_RECORDING) and "mpegurl" not in self.kind

    def readable(self) -> bool:
        """Return true."""
        return True

    def seekable(self) -> bool:
        """Return true."""
        return True

    def tell(self) -> int:
        """Return where the next byte is read."""
        return self._place

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Read from another place on; the server is asked only then."""
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._place, io.SEEK_END: self.size}[whence]
        self._place = max(0, start + offset)
        return self._place

    def readinto(self, buffer: Any) -> int:
        """Read what comes next, at most as much as fits; raises OSError."""
        count = min(len(buffer), self.size - self._place)
        if count <= 0:
            return 0
        for attempt in range(_RETRIES + 1):
            try:
                self._go_to_place()
                data = self._answer.read1(count)
                if data:
                    break
            except _FAULTS as exc:
                if attempt == _RETRIES or isinstance(exc, _ChangedError):
                    raise _as_os_error(exc) from exc
            self._answer.close()
        else:
            raise OSError("the server ends it too early")
        buffer[: len(data)] = data
        self._note(data)
        return len(data)

    def read(self, size: int = -1) -> bytes:
        """Return up to so many of the next bytes, none at the end; raises OSError."""
        return super().read(size) or b""

    def _go_to_place(self) -> None:
        """Have the connection bring the next byte that is wanted."""
        ahead = self._place - self._at
        if self._answer.closed or not 0 <= ahead <= _SHORT_WAY:
            self._answer.close()
            self._answer = self._asked(self._place)
            if _mark_of(self._answer) != self._mark:
                raise _ChangedError("it has changed on the server meanwhile")
            told = _RANGE.fullmatch(self._answer.headers.get("Content-Range", ""))
            self._at = 0 if told is None else int(told[1])
            self._starts += told is None
            if self._starts > _MOST_STARTS or self._at > self._place:
                raise _ChangedError("the server cannot send it from the middle on; fetch it first")
        while self._at < self._place:
            left_out = self._answer.read1(min(_BUFFER, self._place - self._at))
            if not left_out:
                raise OSError("the server ends it too early")
            self._at += len(left_out)

    def _note(self, data: bytes) -> None:
        fresh = self._hashed - self._place
        if 0 <= fresh < len(data):
            self._hash.update(memoryview(data)[fresh:])
            self._hashed = self._place + len(data)
        self._place = self._at = self._place + len(data)

    def sha256(self) -> str:
        """Return the hash of all of it, having read what was not; raises OSError."""
        self.seek(self._hashed)
        while self.read(_BUFFER):
            pass
        return self._hash.hexdigest()

    def close(self) -> None:
        """End the connection; safe to call twice."""
        if not self.closed and self._answer is not None:
            with suppress(*_FAULTS):
                self._answer.close()
        super().close()


class _ChangedError(OSError):
    """Asking again is of no use."""


class _OwnHost(urllib.request.HTTPRedirectHandler):
    """Follows a few redirects on the host that was named, and none to another."""

    max_redirections = _MOST_REDIRECTS
    max_repeats = _MOST_REDIRECTS

    def redirect_request(
        self, req: Any, fp: Any, code: int, msg: str, headers: Any, newurl: str
    ) -> Any:
        """Return what to ask for instead; raises URLError for another host."""
        had, wanted = urlsplit(req.full_url), urlsplit(newurl)
        if (had.scheme, had.netloc) != (wanted.scheme, wanted.netloc):
            raise urllib.error.URLError(
                f"leads to another address ({wanted.scheme}://{wanted.hostname}): name the one "
                "where its video comes from"
            )
        return super().redirect_request(req, fp, code, msg, headers, newurl)


class _Closing(urllib.request.BaseHandler):
    """Closes the answer that asks for a login, which urllib leaves to the garbage collector."""

    handler_order = 100

    def http_error_401(self, req: Any, fp: Any, code: int, msg: str, headers: Any) -> None:
        """Close it, and leave it to the next handler."""
        del req, code, msg, headers
        fp.close()


def _opener(address: Address) -> tuple[str, urllib.request.OpenerDirector]:
    """Return the address without its password, and what asks for it by HTTP and nothing else."""
    parts = urlsplit(address.location)
    url = urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2], fragment=""))
    known = urllib.request.HTTPPasswordMgrWithDefaultRealm()
    if parts.username is not None:
        known.add_password(None, url, unquote(parts.username), unquote(parts.password or ""))
    opener = urllib.request.OpenerDirector()
    for each in (
        urllib.request.ProxyHandler(),
        urllib.request.HTTPHandler(),
        urllib.request.HTTPSHandler(),
        urllib.request.HTTPDefaultErrorHandler(),
        urllib.request.HTTPErrorProcessor(),
        urllib.request.HTTPBasicAuthHandler(known),
        urllib.request.HTTPDigestAuthHandler(known),
        _OwnHost(),
        _Closing(),
    ):
        opener.add_handler(each)
    return url, opener


def _mark_of(answer: Any) -> tuple[str | None, ...]:
    """Return what changes where the file on the server does."""
    told = _RANGE.fullmatch(answer.headers.get("Content-Range", ""))
    size = answer.headers.get("Content-Length") if told is None else told[2]
    return size, answer.headers.get("ETag"), answer.headers.get("Last-Modified")


def _as_os_error(error: Exception) -> OSError:
    """Return what broke, in words without an address."""
    if isinstance(error, _ChangedError):
        return error
    if isinstance(error, TimeoutError):
        return OSError("the server has fallen silent")
    return OSError(f"the connection to the server breaks ({type(error).__name__})")


class _translated:
    """Turns what keeps a file from being asked for into a SourceOpenError, without a password."""

    def __init__(self, address: Address) -> None:
        self._address = address

    def __enter__(self) -> None:
        """Begin."""

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        """Translate."""
        del kind, trace
        if isinstance(error, urllib.error.HTTPError):
            error.close()
            refused = error.code in (401, 403)
            what = "refuses the user name or the password" if refused else "cannot be fetched"
            made = SourceRefused if refused else SourceOpenError
            raise made(f"{self._address}: {what} ({error.code} {error.reason})") from None
        if isinstance(error, (*_FAULTS, ValueError)):
            text = self._address.mask(str(getattr(error, "reason", error)))
            raise SourceOpenError(f"{self._address}: cannot be fetched: {text}") from None


def holds_recording(address: Address) -> bool:
    """Return whether an address is a recording that ends; false too where nobody answers."""
    if address.kind != "http" or ".m3u8" in address.location.lower():
        return False
    try:
        with HttpFile(address, _ASKING_SECONDS) as file:
            return file.is_recording
    except SourceOpenError:
        return False
