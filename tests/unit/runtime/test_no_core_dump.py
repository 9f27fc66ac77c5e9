"""What a process leaves behind when it dies (nothing that it saw), and what it may read."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from unittest.mock import patch

import pytest

from blurcam.errors import SourceOpenError
from blurcam.runtime.counts import FrameCounts
from blurcam.sources.recording import open_source
from tests.support.clips import moving_clip

ROOT = Path(__file__).parents[3]
DYING = """
import ctypes, os, resource, sys
resource.setrlimit(resource.RLIMIT_CORE, (resource.getrlimit(resource.RLIMIT_CORE)[1],) * 2)
if sys.argv[1] == "broken":
    import blurcam.cli
    blurcam.cli.no_core_dump = lambda: None
import blurcam.commands.terminal, blurcam.cli
def die(**options):
    print(resource.getrlimit(resource.RLIMIT_CORE)[0], ctypes.CDLL(None).prctl(3, 0, 0, 0, 0))
    sys.stdout.flush()
    os.abort()
blurcam.cli.app = die
blurcam.cli.main()
"""


def dying(how: str, folder: Path) -> tuple[str, int]:
    done = subprocess.run(
        [sys.executable, "-c", DYING, how], cwd=folder, capture_output=True, text=True, timeout=60,
        env=os.environ | {"PYTHONPATH": str(ROOT)}, check=False,
    )  # fmt: skip
    return done.stdout.strip(), done.returncode


def test_a_crash_leaves_no_core_and_the_memory_is_nobodys(tmp_path: Path) -> None:
    told, code = dying("whole", tmp_path)
    assert code == -6  # it did crash
    assert told == "0 0"  # no core, not dumpable
    assert list(tmp_path.iterdir()) == []


def test_without_the_confinement_the_process_is_dumpable(tmp_path: Path) -> None:
    """The break: so that the test above can fail."""
    told, code = dying("broken", tmp_path)
    assert code == -6
    assert told.endswith(" 1")


def lists(folder: Path) -> list[Path]:
    """Files that name other files: none of them is a recording."""
    secret = moving_clip(folder / "secret.ts", "-c:v", "libx264")
    texts = {
        "a.m3u8": f"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1.0,\n{secret}\n#EXT-X-ENDLIST\n",
        "b.mp4": "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1.0,\nsecret.ts\n#EXT-X-ENDLIST\n",
        "c.ffconcat": f"ffconcat version 1.0\nfile '{secret.name}'\n",
        "d.mkv": f"ffconcat version 1.0\nfile 'subfile,,start,0,end,0,,:{secret.name}'\n",
        "e.sdp": "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\n"
        "m=video 5004 RTP/AVP 96\na=rtpmap:96 H264/90000\n",
        "f.mpd": '<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static" '
        'mediaPresentationDuration="PT1S"><Period><AdaptationSet mimeType="video/mp2t">'
        f'<Representation id="0" bandwidth="1"><BaseURL>{secret.name}</BaseURL></Representation>'
        "</AdaptationSet></Period></MPD>",
    }
    for name, text in texts.items():
        (folder / name).write_text(text)
    return [folder / name for name in texts]


def test_a_file_that_names_other_files_is_refused(tmp_path: Path) -> None:
    for path in lists(tmp_path):
        with pytest.raises(SourceOpenError) as caught:
            open_source(path, FrameCounts())
        assert str(path) in str(caught.value)
        assert "\n" not in str(caught.value)


def test_without_the_white_list_such_a_file_is_read(tmp_path: Path) -> None:
    """The break: at least a playlist under a harmless name leads to another file."""
    read = 0
    named_at_once = patch("blurcam.sources.recording.refuse_parts")
    with named_at_once, patch("blurcam.sources.open.ONE_FILE", {}):
        for path in lists(tmp_path)[:1]:
            with open_source(path, FrameCounts()) as source:
                read += len(list(source.frames()))
    assert read == 25


@pytest.mark.parametrize(
    "name", ["concat:a.ts|b.ts", "subfile,,start,0,end,9,,:a.ts", "http:__x.mp4", "pipe:0.mp4",
             "file:a.mp4", "data:video.mp4", "crypto:a.mp4", "a b;c$(d).mp4", "-i.mp4", "%d.mp4",
             "x\u202egpj.mp4", "fd:0.mp4", "cache:a.mp4", "async:a.mp4", "tee:a.mp4"],
)  # fmt: skip
def test_a_name_that_looks_like_an_address_is_only_a_name(name: str, tmp_path: Path) -> None:
    with pytest.raises(SourceOpenError, match="does not exist"):
        open_source(tmp_path / name, FrameCounts())
    plain = moving_clip(tmp_path / "plain.mp4", "-c:v", "libx264")
    plain.rename(tmp_path / name)
    with open_source(tmp_path / name, FrameCounts()) as source:
        assert len(list(source.frames())) == 25


def test_what_is_no_plain_file_is_refused(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe.mp4"
    os.mkfifo(pipe)
    (tmp_path / "loop.mp4").symlink_to(tmp_path / "loop.mp4")
    for path in (pipe, tmp_path / "loop.mp4", Path("/dev/zero"), Path("/proc/self/mem")):
        with pytest.raises(SourceOpenError):
            open_source(path, FrameCounts())
