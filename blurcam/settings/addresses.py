"""Where a stream comes from or goes to; whatever is shown of it holds no secret."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Final, Literal
from urllib.parse import quote, unquote

from pydantic import BeforeValidator

from blurcam.errors import ConfigError

Kind = Literal["rtsp", "http", "packets", "device", "file"]

HIDDEN: Final = "***"
_KINDS: Final[dict[str, Kind]] = {
    "rtsp": "rtsp",
    "rtsps": "rtsp",
    "http": "http",
    "https": "http",
    "udp": "packets",
    "tcp": "packets",
}
_URL: Final = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*)://(?P<rest>.*)", re.DOTALL)
_HOST: Final = r"(?P<host>(?:\[[0-9A-Fa-f:.%]+\]|[A-Za-z0-9._-]*)(?::\d+)?)"
# Some cameras want the password in the path: /user=admin_password=abc_channel=1
_PAIR: Final = re.compile(
    r"(?i)((?:[a-z]*pass?(?:word|wd|phrase|code)?|pwd|psw|[a-z_]*token|[a-z_]*secret|[a-z_]*key|auth"
    r"|sig(?:nature)?|user(?:name)?|usr|login|session(?:id)?|sid|credentials?)=)([^&;#\s\"']*)"
)
# In text that came from elsewhere anything up to the last @ of an address may be a password.
_ANY_USER: Final = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*://)[^\s\"']*@")
# A shorter secret cannot be told from ordinary text; in an address it is found by its place.
_SHORTEST: Final = 3


@dataclass(frozen=True, slots=True)
class Address:
    """A stream's address, made by :func:`parse_address`.

    ``location`` is what FFmpeg is given, credentials included. ``str`` and ``repr`` show
    ``shown``, in which nothing is secret. ``secrets`` are the texts to hide wherever else they
    turn up, the longest first.
    """

    kind: Kind
    location: str = field(repr=False)
    shown: str
    secrets: tuple[str, ...] = field(default=(), repr=False)

    def __str__(self) -> str:
        """Return the address without its secrets."""
        return self.shown

    def mask(self, text: str) -> str:
        """Return ``text``, an error message perhaps, without this address's secrets."""
        return mask(text, self.secrets)


def mask(text: str, secrets: tuple[str, ...] = ()) -> str:
    """Return one line of ``text`` without these secrets, and without what looks like one."""
    for secret in secrets:
        text = text.replace(secret, HIDDEN)
    text = _ANY_USER.sub(rf"\1{HIDDEN}@", text)
    return " ".join(_PAIR.sub(rf"\1{HIDDEN}", text).split())


def is_live(text: str) -> bool:
    """Return whether this names a camera or a server rather than a recording."""
    return _URL.match(text) is not None or _device(text).startswith("/dev/video")


def _device(text: str) -> str:
    """Return the device that a bare number stands for, as in FFmpeg and OpenCV: 0 is the first."""
    return f"/dev/video{text}" if text.isdecimal() and not Path(text).exists() else text


def parse_address(
    text: str, *, username: str | None = None, password: str | None = None
) -> Address:
    """Read an address; ``username`` and ``password`` stand in for those within it.

    Both may hold any character, and an address such characters unescaped as long as its host can
    be told. Raises :class:`~blurcam.errors.ConfigError` for one that cannot be read.
    """
    url = _URL.fullmatch(text.strip())
    if url is None:
        if username is not None or password is not None:
            raise ConfigError(f"{text}: a file or a device takes no user name and password")
        place = _device(text)
        return Address("device" if place.startswith("/dev/") else "file", place, place)
    scheme = url["scheme"].lower()
    if scheme not in _KINDS:
        known = ", ".join(f"{name}://" for name in _KINDS)
        raise ConfigError(f'source: "{scheme}://" is no kind of stream; known are {known}')
    user, host, rest = _parts(url["rest"], scheme)
    name, _, word = user.partition(":")
    name = _escaped(name) if username is None else quote(username, safe="")
    word = _escaped(word) if password is None else quote(password, safe="")
    login = f"{name}:{word}@" if word else f"{name}@" if name else ""
    secrets = _spellings(word) | {pair[1] for pair in _PAIR.findall(rest)}
    return Address(
        kind=_KINDS[scheme],
        location=f"{scheme}://{login}{host}{rest}",
        shown=f"{scheme}://{HIDDEN + '@' if login else ''}{host}{_shown(rest)}",
        secrets=tuple(sorted((s for s in secrets if len(s) >= _SHORTEST), key=len, reverse=True)),
    )


def read_place(value: object) -> object:
    """Read where a recording is: an address by HTTP, or else a path."""
    is_address = isinstance(value, str) and value.lower().startswith(("http://", "https://"))
    return parse_address(value) if isinstance(value, str) and is_address else value


Place = Annotated[Path | Address, BeforeValidator(read_place)]
"""Where a recording is: a file, or an address by HTTP."""


def _parts(text: str, scheme: str) -> tuple[str, str, str]:
    """Split what follows ``://`` into user, host and the rest."""
    authority = re.split(r"[/?#]", text, maxsplit=1)[0]
    plain = re.fullmatch(_HOST, authority)
    if plain is not None and authority:
        return "", authority, text[len(authority) :]
    # Before the first slash, or before any: a password may hold one.
    within = re.fullmatch(rf"(?P<user>.*)@{_HOST}", authority, re.DOTALL)
    if within is not None and within["host"] and "@" not in text[len(authority) :]:
        return within["user"], within["host"], text[len(authority) :]
    whole = re.fullmatch(rf"(?P<user>.*)@{_HOST}(?P<rest>[/?#].*)?", text, re.DOTALL)
    if whole is None or not whole["host"]:
        raise ConfigError(f"source: {scheme}://… holds no host that can be read; check it")
    return whole["user"], whole["host"], whole["rest"] or ""


def _escaped(text: str) -> str:
    """Return the text fit for an address; escapes that are there already stay."""
    is_escaped = re.fullmatch(r"(?:[^%]|%[0-9A-Fa-f]{2})*", text) is not None
    return quote(text, safe="%" if is_escaped else "")


def _spellings(word: str) -> set[str]:
    return {word, unquote(word), quote(unquote(word))} if word else set()


def _shown(rest: str) -> str:
    if "@" in rest:  # perhaps the end of a password; better too little than too much
        return "/…"
    return _PAIR.sub(rf"\1{HIDDEN}", rest)
