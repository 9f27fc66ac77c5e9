"""Writes docs/reference/formats.md: what becomes of each property of a recording, tried out.

Every table is measured: small recordings with one property each are redacted into every container,
and the output is read back. A property that is neither kept, applied nor told stops the tool.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from blurcam.errors import ConfigError, SourceOpenError
from blurcam.media.formats import StreamInfo
from blurcam.runs.recording import open_run
from blurcam.runs.summary import Summary
from blurcam.runtime.counts import FrameCounts
from blurcam.settings.recording import Config
from blurcam.settings.redaction import AudioPolicy, Encode
from blurcam.sinks.containers import FILES
from blurcam.sources.open import LISTS
from blurcam.sources.recording import open_source
from tests.support.clips import ffmpeg, frame_times
from tests.support.containers import (
    pixel_crop,
    spherical_box,
    stereo_box,
    with_entry_box,
    with_matrix,
    with_video_elements,
)

PAGE = Path(__file__).parent.parent / "docs" / "reference" / "formats.md"
MARK = "<!-- From here on written by: make formats -->\n"
H264 = ("-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p")
H265 = ("-c:v", "libx265", "-preset", "ultrafast")
HDR = (
    "log-level=none:colorprim=bt2020:transfer=smpte2084:colormatrix=bt2020nc:max-cll=1000,400:"
    "master-display=G(13250,34500)B(7500,3000)R(34000,16000)WP(15635,16450)L(10000000,1)"
)
FILM = "testsrc2=s=96x64:r=25:d=0.4"
BT709 = "color_primaries=bt709:color_trc=bt709:colorspace=bt709"
KEPT, TOLD = "kept", "told"


@dataclass(frozen=True, slots=True)
class Result:
    """One recording redacted: what it was, what it became, and what was said about it."""

    given: StreamInfo
    made: StreamInfo
    summary: Summary
    given_times: tuple[Fraction, ...]
    made_times: tuple[Fraction, ...]

    @property
    def said(self) -> str:
        """All that was told, in one text."""
        return " ".join(self.summary.notices)


Maker = Callable[[Path], Path]
"""Writes a recording into a folder."""

Judge = Callable[[Result], str | None]
"""Says what became of a property; ``None`` where it went without a word."""


@dataclass(frozen=True, slots=True)
class Property:
    """A property, a recording that has it, and what is looked at in the output."""

    name: str
    make: Maker
    judge: Judge


def _film(name: str, *options: object, source: str = FILM) -> Maker:
    def make(folder: Path) -> Path:
        path = folder / name
        ffmpeg("-f", "lavfi", "-i", source, *options, path)
        return path

    return make


def _changed(name: str, change: Callable[[Path, Path], Path], *options: object) -> Maker:
    def make(folder: Path) -> Path:
        suffix = Path(name).suffix
        live = ("-live", "1") if suffix == ".mkv" else ()
        plain = _film(f"plain{suffix}", *H264, *live, *options)(folder)
        return change(plain, folder / name)

    return make


def _cropped(plain: Path, path: Path) -> Path:
    return with_video_elements(plain, path, pixel_crop(16, 8, 16, 8))


def _spherical(plain: Path, path: Path) -> Path:
    return with_entry_box(plain, path, spherical_box())


def _stereo(plain: Path, path: Path) -> Path:
    return with_entry_box(plain, path, stereo_box())


def _joined(folder: Path) -> Path:
    """Join a film of limited range and one of full range."""
    parts = []
    for levels, layout in (("tv", "yuv420p"), ("pc", "yuvj420p")):
        drawn = ("-vf", f"scale=out_range={levels}", "-color_range", levels)
        coded = ("-c:v", "libx264", "-pix_fmt", layout)
        parts.append(_film(f"{levels}.h264", *drawn, *coded)(folder).read_bytes())
    path = folder / "in.h264"
    path.write_bytes(b"".join(parts))
    return path


def _range(result: Result) -> str | None:
    told = "range of the samples changes" in result.said
    return "converted, and told" if told else None


def _same(get: Callable[[StreamInfo], object], word: str = "") -> Judge:
    def judge(result: Result) -> str | None:
        if get(result.given) == get(result.made):
            return KEPT
        return TOLD if word and word in result.said else None

    return judge


def _times(result: Result) -> str | None:
    tick = max(result.made.time_base, Fraction(1, 90_000))
    pairs = zip(result.given_times, result.made_times, strict=True)
    worst = max(abs((a - result.given_times[0]) - (b - result.made_times[0])) for a, b in pairs)
    if worst == 0:
        return KEPT
    return f"{KEPT}, to {float(1000 * tick):.2g} ms" if worst <= tick else None


def _orientation(result: Result) -> str | None:
    if result.made.orientation == result.given.orientation:
        return KEPT
    turned = "turned" in result.said or "mirrored" in result.said
    return "applied to the pixels, and told" if turned else None


def _crop(result: Result) -> str | None:
    return "applied" if (result.made.width, result.made.height) == (64, 48) else None


def _beside(info: StreamInfo) -> object:
    return info.lost_properties


def _fields(info: StreamInfo) -> object:
    return info.interlaced and info.top_field_first


PROPERTIES = (
    Property(
        "time of every frame, at an uneven rate",
        _film("in.mp4", "-vf", "select='not(between(mod(n,7),3,4))'", "-fps_mode", "vfr", *H264),
        _times,
    ),
    Property("a quarter turn", _changed("in.mp4", lambda a, b: with_matrix(a, b, 6)), _orientation),
    Property("a mirror", _changed("in.mp4", lambda a, b: with_matrix(a, b, 2)), _orientation),
    Property(
        "shape of a pixel, 64:45",
        _film("in.mp4", "-vf", "setsar=64/45", *H264),
        _same(lambda info: info.sample_aspect_ratio),
    ),
    Property("crop of Matroska", _changed("in.mkv", _cropped), _crop),
    Property(
        "full range",
        _film("in.mp4", "-c:v", "libx264", "-pix_fmt", "yuvj420p"),
        _same(lambda info: info.colour.full_range),
    ),
    Property(
        "colour primaries, transfer, matrix",
        _film("in.mp4", "-vf", f"setparams={BT709}", *H264),
        _same(lambda info: (info.colour.primaries, info.colour.transfer, info.colour.matrix)),
    ),
    Property(
        "10 bits",
        _film("in.mp4", *H265, "-pix_fmt", "yuv420p10le", "-x265-params", "log-level=none"),
        _same(lambda info: info.pixel_format.depth, "bits become"),
    ),
    Property(
        "chroma of 4:4:4",
        _film("in.mkv", "-c:v", "libx264", "-pix_fmt", "yuv444p"),
        _same(lambda info: info.pixel_format.layout, "chroma"),
    ),
    Property(
        "an odd size",
        _film("in.mkv", "-c:v", "ffv1", "-pix_fmt", "yuv420p",
              source="testsrc2=s=97x65:r=25:d=0.4"),
        _same(lambda info: (info.width, info.height)),
    ),
    Property(
        "interlaced, upper field first",
        _film("in.mpg", "-vf", "tinterlace=interleave_top", "-c:v", "mpeg2video", "-flags",
              "+ilme+ildct", source="testsrc2=s=96x64:r=50:d=0.4"),
        _same(_fields, "fields"),
    ),
    Property(
        "a range that changes on the way", _joined, _range
    ),
    Property(
        "mastering data and light levels of HDR",
        _film("in.mp4", *H265, "-pix_fmt", "yuv420p10le", "-x265-params", HDR),
        _same(_beside, "HDR"),
    ),
    Property("spherical", _changed("in.mp4", _spherical), _same(_beside, "spherical")),
    Property("stereoscopic", _changed("in.mp4", _stereo), _same(_beside, "stereoscopic")),
    Property(
        "transparency",
        _film("in.mov", "-vf", "format=rgba,colorchannelmixer=aa=0.5", "-c:v", "prores_ks",
              "-pix_fmt", "yuva444p10le"),
        _same(_beside, "alpha"),
    ),
)  # fmt: skip
SOUNDS = {
    "AAC": ("in.mp4", "aac"), "AAC of MPEG-TS": ("in.ts", "aac"), "Opus": ("in.mkv", "libopus"),
    "MP3": ("in.mkv", "libmp3lame"), "AC-3": ("in.mkv", "ac3"), "FLAC": ("in.mkv", "flac"),
    "PCM": ("in.mov", "pcm_s16le"), "G.711": ("in.mov", "pcm_mulaw"),
}  # fmt: skip


def redacted(source: Path, suffix: str, audio: AudioPolicy = "drop") -> Result:
    """Redact a recording that holds no face into a container, and read both."""
    counts = FrameCounts()
    with open_source(source, counts) as opened:
        given, frames = opened.info, sum(1 for _ in opened.frames())
    target, regions = source.with_name(f"out{suffix}"), source.with_name("none.jsonl")
    lines = (json.dumps({"frame": n, "boxes": []}) for n in range(frames))
    regions.write_text("\n".join(lines) + "\n", encoding="utf-8")
    encode = Encode(preset="12" if suffix == ".webm" else "ultrafast", audio=audio, overwrite=True)
    with open_run(Config(source, target, render_from=regions, encode=encode)) as run:
        for _ in run.steps():
            pass
        summary = run.finish()
    with open_source(target, FrameCounts()) as opened:
        made = opened.info
    return Result(given, made, summary, tuple(frame_times(source)), tuple(frame_times(target)))


def property_rows() -> Iterator[str]:
    """Yield a row for each property: what becomes of it in each container."""
    for each in PROPERTIES:
        cells = []
        for suffix in FILES:
            with tempfile.TemporaryDirectory(prefix="formats-") as folder:
                result = redacted(each.make(Path(folder)), suffix)
            found = each.judge(result)
            if found is None:
                raise SystemExit(f"{each.name}: lost without a word in {suffix}: {result}")
            cells.append(found)
        yield f"| {each.name} | {' | '.join(cells)} |"


def sound_rows() -> Iterator[str]:
    """Yield a row for each kind of sound with ``--audio copy``."""
    for name, (file, codec) in SOUNDS.items():
        cells = []
        for suffix in FILES:
            with tempfile.TemporaryDirectory(prefix="formats-") as folder:
                path = Path(folder, file)
                heard = ("-f", "lavfi", "-i", "sine=d=0.4:r=48000")
                ffmpeg("-f", "lavfi", "-i", FILM, *heard, *H264, "-c:a", codec, path)
                result = redacted(path, suffix, "copy")
            encoded = [each for each in result.summary.notices if "encoded anew" in each]
            became = [each.split(" as ")[1].split(",")[0] for each in encoded]
            cells.append(f"becomes {became[0]}, and told" if became else KEPT)
        yield f"| {name} | {' | '.join(cells)} |"


def codec_rows() -> Iterator[str]:
    """Yield a row for each container: what is written by default, and what it may hold."""
    names = {"h264": "H.264", "hevc": "H.265", "av1": "AV1"}
    for suffix, each in FILES.items():
        usual = "AV1" if suffix == ".webm" else "H.264"
        held = ", ".join(name for codec, name in names.items() if codec in each.codecs)
        yield f"| `{suffix}` | {usual} | {held} |"


def refused_rows() -> Iterator[str]:
    """Yield a row for each kind of input that is refused, with what is said."""
    with tempfile.TemporaryDirectory(prefix="formats-") as name:
        folder = Path(name)
        clip = _film("clip.mp4", *H264)(folder)
        ffmpeg("-i", clip, "-c", "copy", "-f", "hls", "-hls_segment_type", "fmp4",
               folder / "in.m3u8")  # fmt: skip
        (folder / "in.ffconcat").write_text("ffconcat version 1.0\nfile clip.mp4\n")
        (folder / "in.txt").write_text("no video\n")
        ffmpeg("-f", "lavfi", "-i", "sine=d=0.1", folder / "in.wav")
        segment = next(folder.glob("in*.m4s"))
        kinds = {"a playlist (HLS, M3U)": "in.m3u8", "a list of files (ffconcat)": "in.ffconcat",
                 "a segment without its head": segment.name, "text": "in.txt",
                 "sound alone": "in.wav"}  # fmt: skip
        for kind, file in kinds.items():
            yield f"| {kind} | {_refusal(folder / file).replace(str(folder) + '/', '')} |"


def _refusal(path: Path) -> str:
    try:
        with open_source(path, FrameCounts()):
            raise SystemExit(f"{path}: was not refused")
    except (SourceOpenError, ConfigError) as exc:
        return str(exc).replace("|", "\\|")


def tables() -> str:
    """Return the written part of the page."""
    heads = [f"`{suffix}`" for suffix in FILES]
    wide = f"| | {' | '.join(heads)} |\n|---|{'---|' * len(heads)}"
    lists = ", ".join(f"`{each}`" for each in sorted(LISTS))
    return "\n".join(
        [
            "## What is written", "", "| file | codec | may hold |", "|---|---|---|", *codec_rows(),
            "", "## What becomes of a recording's properties", "", wide, *property_rows(),
            "", "## Sound, with `--audio copy`", "", wide, *sound_rows(),
            "", "## What is refused", "", "| input | answer |", "|---|---|", *refused_rows(),
            "", f"FFmpeg's demuxers of lists are closed altogether: {lists}.",
        ]
    )  # fmt: skip


def main() -> None:
    """Write the page anew."""
    text = PAGE.read_text(encoding="utf-8").split(MARK)[0]
    PAGE.write_text(f"{text}{MARK}\n{tables()}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
