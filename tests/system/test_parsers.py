"""Whatever is fed to our own parsers, they return something sound or say no in one line.

Seen to fail: each on the parser as it was before a bug that it found was mended (see the examples
that are given by hand), and all of them with a parser that raises ValueError.
"""

from __future__ import annotations

import io
import json
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

import pytest
import yaml
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from blurcam.assess.labels import read_labels
from blurcam.batch.output_names import check_template, names_for, shown
from blurcam.batch.report.hash_chain import chained, faults, sealed
from blurcam.commands.options import polygons
from blurcam.errors import BlurcamError, ConfigError
from blurcam.runs.span_cuts import Span
from blurcam.runtime.status import CameraStatus
from blurcam.settings.addresses import mask, parse_address
from blurcam.settings.cameras_yaml import MOST_FAULTS, parse_site
from blurcam.settings.secrets import Secrets
from blurcam.sources.coded_frames import coded_frames
from blurcam.sources.container_crop import crop_in
from blurcam.sources.descriptor import open_descriptor
from blurcam.sources.restarts import changes_program_in
from blurcam.sources.signatures import recognise
from blurcam.track.regions_file import Header, RegionReader

much = settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner),
    max_leaves=12,
)
numbers = st.sampled_from(["0", "1", "-1", "1e9", "1e400", "nan", "inf", "", "x", "9" * 40, " 7 "])


@contextmanager
def sound(lines: int = 1) -> Iterator[None]:
    """Nothing but an error of ours, in one line or so many, comes out."""
    said = ""
    try:
        yield
    except BlurcamError as exc:
        said = str(exc)
    assert said.count("\n") < lines
    assert len(said) < 5000 * lines


def written(content: str | bytes) -> Path:
    """Write a file that the next one replaces."""
    path = Path(tempfile.gettempdir()) / "blurcam-parsers.txt"
    path.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8", "replace"))
    return path


# Labels ------------------------------------------------------------------------------------------

rows = st.lists(st.lists(numbers, min_size=1, max_size=10).map(",".join), max_size=5)
headers = st.sampled_from(
    ["image,x,y,w,h,invalid", "frame,person,x0,y0,x1,y1", "1,1,0,0,9,9,1,1,1", "", "a,b"]
)


@given(headers, rows)
@example("frame,person,x0,y0,x1,y1", ["1e9,1,nan,0,inf,9"])
@example("image,x,y,w,h", ["a,inf,0,1,1"])
@example("1,1,0,0,9,9,1,1,1", ["inf,nan,0,0,1e400,9"])
@example("image,x,y,w,h", ['"a'])
@much
def test_rows_of_labels(header: str, lines: list[str]) -> None:
    with sound():
        labels = read_labels(written("\n".join([header, *lines])))
        assert labels.pictures or labels.frames


@given(
    json_values
    | st.fixed_dictionaries({"images": json_values, "annotations": json_values})
    | st.fixed_dictionaries({"frames": json_values})
    | st.fixed_dictionaries(
        {"frames": st.lists(st.fixed_dictionaries({"seq": json_values, "faces": json_values}))}
    )
)
@example({"frames": 7})
@example({"frames": [None]})
@example({"images": None, "annotations": []})
@example({"images": [3], "annotations": [[]]})
@example({"frames": [{"seq": 1, "faces": [{"track": 1, "x0": 1e400, "y0": 0, "x1": 1, "y1": 1}]}]})
@example({"images": [{"id": [1], "file_name": "a"}], "annotations": []})
@much
def test_labels_in_json(document: Any) -> None:
    with sound():
        read_labels(written(json.dumps(document)))


@given(st.binary(max_size=80))
@example(b"\xff\xfe\0")
@example(b"{" * 5000)
@much
def test_labels_of_any_bytes(content: bytes) -> None:
    with sound():
        read_labels(written(content))


# Regions -----------------------------------------------------------------------------------------

HEAD = Header("ab" * 32, 64, 48, 3, {}, "0").to_json()
region = st.fixed_dictionaries(
    {key: json_values for key in ("x0", "y0", "x1", "y1")},
    optional={
        "id": json_values,
        "basis": st.sampled_from(["detected", "whole", "x"]) | json_values,
        "shape": st.sampled_from(["ellipse", "whole", "polygon", "x"]) | json_values,
        "points": json_values,
        "track": json_values,
        "confidence": json_values,
    },
)
line = st.fixed_dictionaries(
    {
        "seq": st.integers(-2, 9) | json_values,
        "regions": st.lists(region, max_size=2) | json_values,
    },
    optional={"reason": json_values, "made": json_values},
)


@given(st.just(HEAD) | st.text(max_size=30) | json_values.map(json.dumps),
       st.lists(line.map(json.dumps) | st.text(max_size=20), max_size=4))  # fmt: skip
@example(HEAD, ['{"seq": 1, "regions": [{"x0": 1e400, "y0": 0, "x1": 1, "y1": 1}]}'])
@example(HEAD, ['{"seq": 1, "regions": [3]}'])
@example(HEAD, ['{"seq": 1, "regions": {"a": 1}}'])
@example(HEAD, ["[" * 5000])
@example(json.dumps({"format": 1, "width": 1e400}), [])
@much
def test_a_regions_file(head: str, lines: list[str]) -> None:
    path = written("\n".join([head, *lines]))
    with sound():
        reader = RegionReader(path)
        try:
            seqs = [coverage.seq for coverage in reader.coverages()]
            assert seqs == sorted(set(seqs))
        finally:
            reader.close()


def test_a_regions_file_that_is_not_text() -> None:
    with pytest.raises(ConfigError):
        RegionReader(written(b"\xff\xfe\0{"))


# Settings ----------------------------------------------------------------------------------------


@given(json_values | st.fixed_dictionaries({"cameras": json_values, "web": json_values}))
@example({"cameras": {"a": {"source": "rtsp://x/y", "outputs": ["a.ts"], "lead": 1e400}}})
@example({"cameras": {"a": {"source": "rtsp://x/y", "outputs": ["a.ts"], "zones": [{"mask": []}]}}})
@example({"cameras": {"a": {"source": "${", "outputs": ["a.ts"]}}})
@example({"\n": None})
@example({"cameras": {"a": {"\n": "${NOWHERE}"}}})
@example({"cameras": {"a": {"source": "x", "outputs": ["%.ts"]}}})
@much
def test_a_file_of_cameras(values: Any) -> None:
    with sound(lines=MOST_FAULTS + 1):
        parse_site(yaml.safe_dump(values), Secrets({}))


@given(st.text(max_size=60))
@example("&a [*a, *a]")
@example("a: &a {b: *a}")
@example("{" * 3000)
@example("!!python/object:os.system x")
@example("? [a]\n: b")
@example("1: 2")
@example("2026-11-26: 0x_")
@much
def test_a_file_of_cameras_of_any_text(text: str) -> None:
    with sound(lines=MOST_FAULTS + 1):
        parse_site(text, Secrets({}))


@given(st.text(max_size=60))
@example("rtsp://[::1")
@example("rtsp://a:b@c@d/e@f")
@much
def test_an_address(text: str) -> None:
    with sound():
        parse_address(text)
    with sound():
        parse_address(f"rtsp://{text}")
    assert "\n" not in mask(text)


@given(st.text(max_size=30))
@example("0,0 1,0 1,1")
@example("nan,nan inf,0 1,1")
@much
def test_a_polygon(text: str) -> None:
    with sound():
        polygons([text], "mask")


@given(st.text(max_size=30), st.text("abc./\0é\n", min_size=1, max_size=12))
@example("{stem}{ext}", "a")
@example("{stem:1000000000}{ext}", "a")
@example("{stem:{stem}}{ext}", "a")
@much
def test_a_name_template(template: str, name: str) -> None:
    with sound():
        check_template(template)
        for made in names_for(template, Path("cam") / (name.replace("/", "_") or "x")):
            assert made.parent == Path("cam")


@given(st.binary(max_size=40))
@much
def test_what_is_shown_of_a_name_is_one_printable_line(name: bytes) -> None:
    import os

    assert shown(os.fsdecode(name)).isprintable()


# What comes from other processes and files of our own --------------------------------------------


@given(st.binary(max_size=60) | json_values.map(lambda v: json.dumps(v).encode()))
@much
def test_a_status_line(line: bytes) -> None:
    with suppress(ValueError):  # which the supervisor counts and survives
        CameraStatus.from_json(line)


@given(json_values, st.none() | st.binary(max_size=9))
@example({"header": {}, "header_hash": "", "files": [], "head": "", "page_sha256": ""}, None)
@example({"signature": {"public_key": "é", "value": 3}}, b"")
@much
def test_a_report(document: Any, page: bytes | None) -> None:
    assert list(faults(document, page, None))  # none of these is a report


finite = st.none() | st.integers() | st.text(max_size=8) | st.floats(allow_nan=False)


@given(st.lists(st.dictionaries(st.text(max_size=5), finite, max_size=4), max_size=4))
@much
def test_a_report_of_ours_has_no_faults(entries: list[dict[str, Any]]) -> None:
    entries = [{k: v for k, v in each.items() if k != "hash"} for each in entries]
    document = sealed(chained({"by": "blurcam"}, json.loads(json.dumps(entries))), b"page", None)
    assert list(faults(json.loads(json.dumps(document)), b"page", None)) == []


STARTS = (b"YUV4MPEG2", b"nut/multimedia container\0", b"\x1a\x45\xdf\xa3", b"FLV\x01",
          b"\0\0\0 ftyp", b"\xff\xd8\xff", b"\x47" + b"\0" * 187,
          b"\0\0\0\x08free\0\0\0\0mdat", b"")  # fmt: skip


@given(st.sampled_from(STARTS), st.binary(max_size=2000))
@example(b"", b"\0\0\0\0moov\0\0\0\x08mdat")
@example(b"", b"\x47")
@settings(max_examples=80, deadline=None)
def test_a_signature(start: bytes, rest: bytes) -> None:
    with ExitStack() as stack, sound():
        descriptor = open_descriptor(written(start + rest))
        stack.callback(descriptor.release)
        recognise(descriptor)


# Coded streams -----------------------------------------------------------------------------------


def transport_packet(pid: int, section: bytes) -> bytes:
    """Return a packet of a transport stream in which a section begins."""
    head = bytes([0x47, 0x40 | pid >> 8, pid & 0xFF, 0x10, 0])
    return (head + section).ljust(188, b"\xff")[:188]


_MAP_PID = 0x100
_ASSOCIATION = transport_packet(0, b"\0\xb0\x0d\0\1\xc1\0\0\0\1\xe1\0CRC.")


@given(st.lists(st.binary(min_size=3, max_size=183), min_size=1, max_size=4), st.binary(max_size=9))
@example([b"\2\xb0\5\0\1\xc1\0\0"], b"")  # a map that ends before its first stream
@example([b"\2\xb0\x17\0\1\xc1\0\0\xe1\0\xff\xff"], b"")
@much
def test_a_program_map(maps: list[bytes], torn: bytes) -> None:
    sections = (b"\2" + each[1:] for each in maps)  # each says that it is a map
    packets = [_ASSOCIATION, *(transport_packet(_MAP_PID, each) for each in sections)]
    changes_program_in(io.BytesIO(b"".join(packets * 4) + torn))


class Coded:
    """A decoder's context, as far as coded frames are asked of it."""

    def __init__(self, codec: str, extradata: bytes) -> None:
        self.codec = SimpleNamespace(canonical_name=codec)
        self.extradata = extradata


units = st.sampled_from(
    (
        b"\0\0\1\x67",
        b"\0\0\1\x68",
        b"\0\0\1\x65",
        b"\0\0\1\x20",
        b"\0\0\1\xb6",
        b"\1dM@\x1f\xff\xe1",
    )
)
coded = st.lists(st.tuples(units, st.binary(max_size=40)).map(b"".join), max_size=4).map(b"".join)


@given(st.sampled_from(["h264", "mpeg4"]), coded, st.lists(coded, max_size=4))
@example("h264", b"\1dM@\x1f\xff\xe1", [b"\0"])
@much
def test_packets_of_a_decoder(codec: str, extradata: bytes, packets: list[bytes]) -> None:
    frames = coded_frames(Coded(codec, extradata))
    assert {frames.holds_frame(each) for each in packets} <= {True, False}


@given(
    st.sampled_from([("matroska,webm", b"\x1a\x45\xdf\xa3\x80"), ("mov,mp4", b"\0\0\0\x08moov")]),
    st.binary(max_size=200),
)
@example(("matroska,webm", b"\x1a\x45\xdf\xa3\x80\x18\x53\x80\x67\xff"), b"\x16\x54\xae\x6b\x81")
@much
def test_a_crop_that_a_container_declares(kind: tuple[str, bytes], rest: bytes) -> None:
    format, start = kind
    assert crop_in(io.BytesIO(start + rest), format, 0) is not None


def test_a_span_reads_back() -> None:
    span = Span(1, None, 20, 40, 55, 20)
    assert Span(**json.loads(json.dumps(span.to_values()))) == span


BROKEN: tuple[tuple[str, Callable[[], None]], ...] = (
    ("blurcam.assess.labels._rows", test_labels_of_any_bytes),
    ("blurcam.track.regions_file.RegionReader._header", test_a_regions_file),
    ("blurcam.settings.yaml_document.yaml.SafeLoader", test_a_file_of_cameras_of_any_text),
    ("blurcam.settings.addresses._parts", test_an_address),
    ("tests.system.test_parsers.recognise", test_a_signature),
    ("blurcam.sources.restarts._videos", test_a_program_map),
    ("blurcam.sources.coded_frames.BitReader", test_packets_of_a_decoder),
    ("blurcam.sources.container_crop._crop_in", test_a_crop_that_a_container_declares),
)


@pytest.mark.parametrize(("parser", "test"), BROKEN, ids=lambda each: getattr(each, "__name__", ""))
def test_a_parser_that_raises_is_noticed(parser: str, test: Callable[[], None]) -> None:
    """The break: so that the tests above can fail."""

    def broken(*args: object, **kwargs: object) -> None:
        raise ZeroDivisionError("injected")

    with patch(parser, broken), pytest.raises((ZeroDivisionError, ExceptionGroup)):
        test()
