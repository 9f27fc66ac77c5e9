"""What a camera that speaks HTTP can have blurcam ask for: nothing but its own stream."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import pytest

from blurcam.errors import SourceError
from blurcam.media.clock import SystemClock
from blurcam.runtime.counts import FrameCounts
from blurcam.settings.addresses import parse_address
from blurcam.settings.camera import Receive
from blurcam.sources.camera import CameraTimeline, LiveSource
from tests.support.clips import ffmpeg
from tests.support.http_host import Host, file, host, redirect, text
from tests.support.live_cameras import face_clip

PLAYLIST = "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\n{0}\n#EXT-X-ENDLIST\n"
HLS = "application/vnd.apple.mpegurl"
LISTS = {
    "HLS": (HLS, PLAYLIST),
    "HLS of playlists": (HLS, "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\n{0}\n"),
    "HLS with a key": (
        HLS,
        PLAYLIST.replace("#EXTINF", '#EXT-X-KEY:METHOD=AES-128,URI="{0}"\n#EXTINF'),
    ),
    "ffconcat": ("text/plain", "ffconcat version 1.0\nfile '{0}'\n"),
    "DASH": (
        "application/dash+xml",
        '<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static" '
        'mediaPresentationDuration="PT2S"><Period><AdaptationSet mimeType="video/mp4">'
        '<Representation id="1" bandwidth="1"><BaseURL>{0}</BaseURL></Representation>'
        "</AdaptationSet></Period></MPD>",
    ),
    "SDP": ("application/sdp", "v=0\nc=IN IP4 127.0.0.2\nm=video 5004 RTP/AVP 96\na=x:{0}\n"),
}  # fmt: skip


@pytest.fixture
def camera() -> Iterator[Host]:
    with host("127.0.0.1") as made:
        yield made


@pytest.fixture
def other() -> Iterator[Host]:
    """Another host of the network, which nobody told blurcam of."""
    with host("127.0.0.2") as made:
        yield made


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("clips")
    made = folder / "clip.ts"
    ffmpeg("-i", face_clip(folder / "face.mp4"), "-c", "copy", "-t", 2, made)
    return made


def frames(url: str, *, most: int = 5) -> int:
    """Return how many frames a source gives; raises SourceError if it fails before ``most``."""
    clock = SystemClock()
    receive = Receive(connect=3, stall=3)
    timeline = CameraTimeline.starting(clock, FrameCounts())
    source = LiveSource(parse_address(url), receive, timeline)
    return sum(1 for _ in islice(source.frames(), most))


@pytest.mark.parametrize("kind", sorted(LISTS))
def test_a_list_of_other_addresses_is_no_stream(
    camera: Host, other: Host, clip: Path, kind: str
) -> None:
    # Seen to fail without the format white list: the other host is asked.
    other.answers["/secret.ts"] = file(clip, "video/mp2t")
    mime, said = LISTS[kind]
    camera.answers["/video"] = text(mime, said.format(f"{other.url}/secret.ts"))
    with pytest.raises(SourceError):
        frames(f"{camera.url}/video")
    assert camera.paths == ["/video"]
    assert other.asked == []


@pytest.mark.parametrize("code", [301, 302, 303, 307, 308])
def test_a_redirect_to_another_host_is_not_followed(
    camera: Host, other: Host, clip: Path, code: int
) -> None:
    # Seen to fail without `max_redirects`.
    other.answers["/secret.ts"] = file(clip, "video/mp2t")
    camera.answers["/video"] = redirect(f"{other.url}/secret.ts", code)
    with pytest.raises(SourceError, match="leads to another address") as refused:
        frames(camera.url.replace("http://", "http://viewer:hunter22@") + "/video")
    assert "hunter22" not in str(refused.value)
    assert camera.paths == ["/video"]
    assert other.asked == []


def test_a_playlist_that_was_asked_for_names_no_file_of_this_machine(
    camera: Host, clip: Path, tmp_path: Path
) -> None:
    secret = tmp_path / "secret.ts"
    secret.write_bytes(clip.read_bytes())
    for place in (f"file://{secret}", str(secret), f"subfile,,start,0,end,0,,:{secret}",
                  f"concat:{secret}", "rtsp://127.0.0.2:9/x", "udp://127.0.0.2:9"):  # fmt: skip
        camera.answers["/live.m3u8"] = text(HLS, PLAYLIST.format(place))
        with pytest.raises(SourceError):
            frames(f"{camera.url}/live.m3u8")
    assert set(camera.paths) <= {"/live.m3u8", str(secret)}


def test_a_playlist_that_was_asked_for_is_played_from_another_host_too(
    camera: Host, other: Host, clip: Path
) -> None:
    other.answers["/one.ts"] = file(clip, "video/mp2t")
    camera.answers["/live.m3u8"] = text(HLS, PLAYLIST.format(f"{other.url}/one.ts"))
    assert frames(f"{camera.url}/live.m3u8") == 5
    assert set(camera.paths) == {"/live.m3u8"}
    assert set(other.paths) == {"/one.ts"}


def test_a_stream_with_ranges_is_asked_for_by_its_own_address_alone_and_a_few_times(
    camera: Host, clip: Path
) -> None:
    camera.answers["/video.ts"] = file(clip, "video/mp2t")
    assert frames(f"{camera.url}/video.ts") == 5
    assert set(camera.paths) == {"/video.ts"}
    assert len(camera.asked) <= 3


@pytest.mark.parametrize("name", ["list.ffconcat", "list.m3u8", "list.ts"])
def test_a_list_of_files_that_is_played_as_a_camera_opens_none_of_them(
    clip: Path, tmp_path: Path, name: str
) -> None:
    listed = tmp_path / name
    said = "ffconcat version 1.0\nfile {0}\n" if name.endswith("concat") else PLAYLIST
    listed.write_text(said.format(clip), encoding="utf-8")
    with pytest.raises(SourceError):
        frames(str(listed))
