"""What the guides tell to type and to write is something that the other side takes."""

from __future__ import annotations

import hashlib
import json
import re
import shlex
import subprocess
from base64 import b64encode
from pathlib import Path
from typing import Any

import httpx
import jinja2
import pytest
import typer
import yaml

from blurcam import __version__
from blurcam.commands.catalogue import COMMANDS, load, meant_by
from blurcam.settings.cameras_yaml import parse_site
from blurcam.settings.secrets import Secrets
from tests.support.boards import FedBoard, live, serving
from tests.support.guides import GUIDES, ROOT, Snippet, snippets

# Programs that a reader has, or that the guide says how to get.
PROGRAMS = set(
    [
        "apt-get",
        "blurcam",
        "chmod",
        "chown",
        "cp",
        "curl",
        "docker",
        "echo",
        "export",
        "ffmpeg",
        "ffplay",
        "find",
        "hash",
        "install",
        "journalctl",
        "make",
        "mkdir",
        "openssl",
        "pip",
        "pipx",
        "printf",
        "python",
        "python3",
        "read",
        "ssh",
        "sudo",
        "systemctl",
        "systemd-analyze",
        "tr",
        "uv",
    ]
)
PACKAGING = ROOT / "packaging"


class Anything(dict[str, str]):
    """Secrets of any name."""

    def __contains__(self, name: object) -> bool:
        return True

    def __missing__(self, name: str) -> str:
        return f"a-secret-of-some-length-{name}"


VAULT = Secrets(Anything())


# Commands ----------------------------------------------------------------------------------------


def commands(text: str) -> list[list[str]]:
    """The words of every simple command of a block."""
    found = []
    for line in text.replace("\\\n", " ").splitlines():
        lexer = shlex.shlex(line, posix=True, punctuation_chars="|&;()<>")
        lexer.whitespace_split = True
        words: list[str] = []
        for word in [*lexer, ";"]:
            if set(word) <= set("|&;()"):
                found += [words] if words else []
                words = []
            else:
                words.append(word)
    return found


def plain(words: list[str]) -> list[str]:
    """A command without what is set before it, who runs it and where its streams go."""
    while words and (re.match(r"\w+=", words[0]) or words[0] in ("sudo", "{", "}")):
        words = words[1:]
    kept: list[str] = []
    rest = iter(words)
    for word in rest:
        if set(word) <= set("<>"):
            if kept and kept[-1].isdigit():
                kept.pop()
            next(rest, None)
        else:
            kept.append(word)
    return kept


@pytest.mark.parametrize("snippet", snippets(""), ids=str)
def test_a_block_without_a_language_is_one_that_bash_reads(snippet: Snippet) -> None:
    done = subprocess.run(
        ["bash", "-n"], input=snippet.text, capture_output=True, text=True, timeout=20, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    for words in map(plain, commands(snippet.text)):
        program = words[0].rpartition("/")[2] if words else "echo"
        assert program in PROGRAMS, words


BLURCAM = [
    pytest.param(words, id=f"{snippet}-{' '.join(words)[:60]}")
    for snippet in snippets("")
    for words in map(plain, commands(snippet.text))
    if words and words[0].rpartition("/")[2] == "blurcam"
]


def test_there_are_many_commands_of_blurcam() -> None:
    assert len(BLURCAM) > 40


@pytest.mark.parametrize("words", BLURCAM)
def test_blurcam_takes_the_command(words: list[str]) -> None:
    """Parses it as the program does, options and values, without doing it."""
    name, *rest = words[1:]
    if name.startswith("--"):
        assert name in ("--version", "--install-completion", "--help")
        return
    assert name in COMMANDS
    if name == "run":
        assert meant_by(rest) == "run", "the name that does it is not run"
    command: Any = load(name)
    while hasattr(command, "commands") and rest and rest[0] in command.commands:
        command, rest = command.commands[rest[0]], rest[1:]
    command.make_context(name, [word.replace("…", "") for word in rest])


def test_a_command_that_blurcam_does_not_take_is_found() -> None:
    with pytest.raises(typer.BadParameter.__mro__[1]):
        load("run").make_context("run", ["in.mp4", "out.mp4", "--no-such-option"])


def test_no_password_is_a_word_of_a_command() -> None:
    address = re.compile(r"://[^\s/@]+:[^\s/@]+@")
    for snippet in snippets("", "yaml", "ini"):
        for line in snippet.text.splitlines():
            assert not address.search(line.replace("{FRIGATE_VIEW_PASSWORD}@", "@@")), line
            assert not re.search(r"(?i)--?(password|token)[= ]", line), line


def test_the_guides_name_the_version_that_this_is() -> None:
    for page in (ROOT / "README.md", *GUIDES.glob("*.md")):
        for version in re.findall(r"blurcam-(\d[\w.]*?)(?:-py3|\.tar)", page.read_text("utf-8")):
            assert version == __version__, page


# Files of other programs -------------------------------------------------------------------------

# The keys that each program documents, as far as the guides use them, with the kind of the value.
# MediaMTX 1.20.1: mediamtx.yml. go2rtc 1.9.14: its README and those of exec and rtsp.
# Frigate 0.17.2: docs/configuration/reference. Home Assistant 2026.10: the RESTful integration.
MEDIAMTX: Any = {
    "rtspTransports": [{"udp", "multicast", "tcp"}],
    "hlsVariant": {"mpegts", "fmp4", "lowLatency"},
    "rtmp": bool,
    "srt": bool,
    "moq": bool,
    "authInternalUsers": [
        {
            "user": str,
            "pass": re.compile(r"sha256:[a-zA-Z0-9+/=]+"),
            "ips": [str],
            "permissions": [
                {"action": {"publish", "read", "playback", "api", "metrics"}, "path": str}
            ],
        }
    ],
    "paths": {
        "*": {
            "runOnDemand": str,
            "runOnDemandRestart": bool,
            "runOnDemandStartTimeout": re.compile(r"\d+s"),
            "runOnDemandCloseAfter": re.compile(r"\d+s"),
        }
    },
}
GO2RTC: Any = {
    "rtsp": {"listen": str, "username": str, "password": str},
    "streams": {"*": re.compile(r"|exec:[^#]+(#killsignal=\d+|#killtimeout=\d+)*")},
}
FRIGATE: Any = {
    "cameras": {
        "*": {
            "ffmpeg": {
                "inputs": [
                    {
                        "path": str,
                        "input_args": {"preset-rtsp-restream"},
                        "roles": [{"audio", "detect", "record"}],
                    }
                ]
            },
            "detect": {"enabled": bool},
        }
    },
    "record": {"enabled": bool, "continuous": {"days": int}},
    "face_recognition": {"enabled": bool},
    "go2rtc": GO2RTC,
}
HOME_ASSISTANT: Any = {
    "rest": [
        {
            "resource": str,
            "headers": {"*": str},
            "scan_interval": int,
            "binary_sensor": [{"name": str, "value_template": str}],
        }
    ]
}


def faults(value: Any, schema: Any, place: str = "") -> list[str]:
    """What is not as documented, by its place."""
    if isinstance(schema, dict):
        if value is None:
            return []
        if not isinstance(value, dict):
            return [f"{place}: no mapping"]
        keys = [(key, schema.get(key, schema.get("*"))) for key in value]
        unknown = [f"{place}/{key}: no such key" for key, inner in keys if inner is None]
        return unknown + [
            fault
            for key, inner in keys
            if inner is not None
            for fault in faults(value[key], inner, f"{place}/{key}")
        ]
    if isinstance(schema, list):
        if not isinstance(value, list):
            return [f"{place}: no list"]
        return [
            fault
            for n, each in enumerate(value)
            for fault in faults(each, schema[0], f"{place}/{n}")
        ]
    if isinstance(schema, set):
        return [] if value in schema else [f"{place}: {value}"]
    if isinstance(schema, re.Pattern):
        is_one = isinstance(value, str) and schema.fullmatch(value)
        return [] if is_one else [f"{place}: {value}"]
    return [] if type(value) is schema else [f"{place}: {value}"]


def program_of(values: dict[str, Any]) -> Any:
    """The schema of the program whose file this is; None for blurcam's own."""
    if "authInternalUsers" in values or "paths" in values:
        return MEDIAMTX
    if "rest" in values:
        return HOME_ASSISTANT
    if "streams" in values:
        return GO2RTC
    is_frigate = {"record", "face_recognition", "go2rtc"} & set(values)
    return FRIGATE if is_frigate else None


@pytest.mark.parametrize("snippet", snippets("yaml"), ids=str)
def test_a_file_in_a_guide_is_one_that_its_program_takes(snippet: Snippet, tmp_path: Path) -> None:
    (tmp_path / "front.zones.json").write_text('{"version": 1, "zones": []}')
    values = yaml.safe_load(snippet.text)
    schema = program_of(values)
    if schema is not None:
        assert faults(values, schema) == []
    elif "cameras" in values:
        assert parse_site(snippet.text, VAULT, tmp_path).cameras
    else:
        cameras = "cameras: {one: {source: 'rtsp://10.0.4.11/a', outputs: ['rtsp://b:8554/a']}}\n"
        assert parse_site(snippet.text + cameras, VAULT).web


def test_a_key_that_no_program_knows_is_found() -> None:
    for schema in (MEDIAMTX, GO2RTC, FRIGATE, HOME_ASSISTANT):
        assert faults({"no_such": 1}, schema) == ["/no_such: no such key"]
    assert faults({"rtspTransports": ["tcp", "carrier pigeon"]}, MEDIAMTX)
    assert faults({"streams": {"a": "exec:blurcam -#killsignal=INT"}}, GO2RTC)


def mediamtx_files() -> list[tuple[str, dict[str, Any]]]:
    own = PACKAGING / "compose" / "mediamtx.yml"
    found = [(own.name, yaml.safe_load(own.read_text("utf-8")))]
    found += [(str(each), yaml.safe_load(each.text)) for each in snippets("yaml")]
    return [(name, values) for name, values in found if program_of(values) is MEDIAMTX]


def test_mediamtx_lets_nobody_publish_or_watch_without_a_password() -> None:
    """An empty password lets everybody in; a hash of nothing lets nobody in."""
    files = mediamtx_files()
    assert len(files) >= 3
    for name, values in files:
        assert faults(values, MEDIAMTX) == []
        for user in values["authInternalUsers"]:
            is_local = set(user.get("ips", ())) == {"127.0.0.1", "::1"}
            paths = {each.get("path") for each in user["permissions"]}
            assert user.get("pass") or (is_local and None not in paths), (name, user)


def test_the_hash_of_a_password_is_the_one_that_mediamtx_compares(tmp_path: Path) -> None:
    (block,) = (each.text for each in snippets("") if "hash() {" in each.text)
    secrets = tmp_path / "config" / "secrets"
    secrets.mkdir(parents=True)
    for name in ("publish_password", "view_password"):
        (secrets / name).write_text(f"of-{name}\n")
    subprocess.run(["bash", "-euc", block], cwd=tmp_path, check=True, timeout=20)
    wanted = [
        f"MTX_AUTHINTERNALUSERS_{n}_PASS=sha256:{b64encode(hashlib.sha256(word).digest()).decode()}"
        for n, word in enumerate((b"of-publish_password", b"of-view_password"))
    ]
    assert (tmp_path / "config" / "mediamtx.env").read_text().splitlines() == wanted


def test_frigate_records_what_it_gets_and_takes_no_port_that_is_taken() -> None:
    whole: dict[str, Any] = {}
    for snippet in snippets("yaml", pages=(GUIDES / "frigate.md",)):
        whole |= yaml.safe_load(snippet.text)
    roles = whole["cameras"]["front"]["ffmpeg"]["inputs"][0]["roles"]
    assert "record" in roles
    assert whole["record"]["enabled"] is True
    assert whole["record"]["continuous"]["days"] > 0
    assert not whole["go2rtc"]["rtsp"]["listen"].endswith(":8554")


def test_go2rtc_ends_blurcam_by_a_signal_that_is_its_normal_end() -> None:
    streams = [
        stream
        for snippet in snippets("yaml", pages=(GUIDES / "go2rtc.md",))
        for stream in yaml.safe_load(snippet.text).get("streams", {}).values()
        if stream
    ]
    assert streams
    assert all("#killsignal=2#" in stream for stream in streams)


# Home Assistant ----------------------------------------------------------------------------------


def test_home_assistants_sensors_follow_the_answer_of_the_page() -> None:
    (rest,) = yaml.safe_load(snippets("yaml", pages=(GUIDES / "home-assistant.md",))[0].text)[
        "rest"
    ]
    board = FedBoard(live("door"))
    with serving(board) as server:
        resource = rest["resource"].replace("http://10.0.4.2:8080/", server.url)

        def sensors() -> list[str]:
            answer = httpx.get(resource, headers=rest["headers"]).json()
            return [
                jinja2.Template(each["value_template"]).render(value_json=answer)
                for each in rest["binary_sensor"]
            ]

        assert sensors() == ["True", "True"]
        board.change("door", state="lost")
        assert sensors()[0] == "False"


def test_the_generic_camera_is_given_no_token_of_the_page() -> None:
    text = (GUIDES / "home-assistant.md").read_text("utf-8")
    table = text.split("| field |")[1].split("\n\n")[0]
    assert "token" not in table
    assert "rtsp://" in table


# The page ----------------------------------------------------------------------------------------


def test_the_page_answers_machines_with_the_keys_of_the_guide() -> None:
    told = json.loads(snippets("json", pages=(GUIDES / "page.md",))[0].text)
    with serving(FedBoard(live("front"))) as server:
        answer = httpx.get(f"{server.url}healthz", headers={"Accept": "application/json"}).json()
    assert set(told) == set(answer)
    assert set(told["cameras"]["front"]) == set(answer["cameras"]["front"])


@pytest.mark.parametrize("snippet", snippets("json"), ids=str)
def test_a_block_of_json_is_json(snippet: Snippet) -> None:
    try:
        json.loads(snippet.text)
    except json.JSONDecodeError:
        assert all(isinstance(json.loads(line), dict) for line in snippet.text.splitlines())


# What comes with blurcam -------------------------------------------------------------------------


def asked_for(path: Path) -> set[str]:
    return set(re.findall(r"^[^#]*?\$\{(\w+)\}", path.read_text("utf-8"), re.M))


@pytest.mark.parametrize("name", ["cameras.yaml", "compose/cameras.yaml"])
def test_the_examples_are_files_that_blurcam_takes(name: str) -> None:
    assert parse_site((PACKAGING / name).read_text("utf-8"), VAULT).cameras


def test_the_unit_has_a_credential_for_each_secret_of_its_example() -> None:
    unit = (PACKAGING / "blurcam.service").read_text("utf-8")
    loaded = dict(re.findall(r"^LoadCredential=(\w+):(.*)$", unit, re.M))
    assert set(loaded) == asked_for(PACKAGING / "cameras.yaml")
    assert all(path == f"/etc/blurcam/secrets/{name}" for name, path in loaded.items())


def test_the_units_example_writes_where_the_unit_may() -> None:
    values = yaml.safe_load((PACKAGING / "cameras.yaml").read_text("utf-8"))
    for camera in values["cameras"].values():
        for output in camera["outputs"]:
            assert output["record"].startswith("/var/lib/blurcam/")


def test_every_language_of_a_block_is_one_that_is_checked() -> None:
    known = {"", "yaml", "json", "python", "ini", "text"}
    for page in (*GUIDES.glob("*.md"), ROOT / "README.md"):
        opened = re.findall(r"^```(\w*)\n", page.read_text("utf-8"), re.M)[::2]
        assert set(opened) <= known, page
