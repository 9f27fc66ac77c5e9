"""Pictures of every kind, in and out: faces covered, the rest as it was, nothing else kept."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from PIL import Image

from blurcam.detect.detector import Answered, Detector
from blurcam.errors import BlurcamError, ConfigError, SourceError
from blurcam.media.formats import PIXEL_FORMATS
from blurcam.media.frames import Frame
from blurcam.media.masks import rasterise
from blurcam.media.regions import Basis, Region
from blurcam.runs import picture
from blurcam.runs.perception import open_detector
from blurcam.runs.picture import for_pictures, redact_picture
from blurcam.settings.recording import Config
from blurcam.settings.redaction import Cover, Detect, Encode
from blurcam.sources.picture import is_picture, turned
from tests.support import pictures

# The face fills a third of the picture: the fast detector finds it.
NEAR = Detect(profile="near")


@pytest.fixture(scope="module")
def detector() -> Iterator[Detector]:
    with closing(open_detector(NEAR)) as opened:
        yield opened


def written(folder: Path, name: str, content: bytes) -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


def area(margin: float = 1.0) -> Any:
    """Where the face is, or what may be covered for it."""
    region = Region(pictures.face().grown(margin), Basis.DETECTED)
    return rasterise([region], pictures.WIDTH, pictures.HEIGHT).astype(bool)


@pytest.mark.parametrize("name", pictures.NAMES)
def test_a_picture_of_every_kind_is_redacted(name: str, detector: Detector, tmp_path: Path) -> None:
    given = written(tmp_path, name, pictures.kinds()[name])
    out = tmp_path / f"out-{name}".replace(".gif", ".png")
    config = Config(given, out, effect="solid", detect=NEAR)
    summary = redact_picture(config, detector=detector)
    before, after = pictures.shown(given).astype(int), pictures.shown(out).astype(int)
    assert before.shape == after.shape
    if name == "bilevel.png":
        return  # whether there is a face in black and white is the detector's to say
    assert summary.tracks >= 1
    face, far = area(0.8), ~area(3)
    assert np.abs(after - before)[face].mean() > 25
    assert after[face].std() < 6, "one grey"
    assert np.abs(after - before)[far].max() <= (80 if name == "cmyk.jpg" else 24)
    assert pictures.SECRET.encode() not in out.read_bytes()


LOSSLESS = [
    name for name in pictures.NAMES if name.endswith((".png", ".tif", ".tiff", ".bmp", "rgb.webp"))
]


@pytest.mark.parametrize("name", LOSSLESS)
def test_what_is_not_covered_is_bit_identical(
    name: str, detector: Detector, tmp_path: Path
) -> None:
    given, out = written(tmp_path, name, pictures.kinds()[name]), tmp_path / f"out-{name}"
    redact_picture(Config(given, out, detect=NEAR), detector=detector)
    if "16" in name:
        before, after = (cv2.imread(str(p), cv2.IMREAD_UNCHANGED) for p in (given, out))
        assert before is not None
        assert after is not None
        assert after.dtype == np.uint16
    else:
        with Image.open(given) as image, Image.open(out) as redacted:
            mode = "RGBA" if "A" in redacted.mode else "RGB"
            before, after = np.asarray(image.convert(mode)), np.asarray(redacted.convert(mode))
    assert before.shape == after.shape
    np.testing.assert_array_equal(after[~area(3)], before[~area(3)])


@pytest.mark.parametrize("name", ["444.jpg", "422.jpg", "420.jpg", "grey.jpg"])
def test_a_jpeg_keeps_its_own_quality(name: str, detector: Detector, tmp_path: Path) -> None:
    from PIL.JpegImagePlugin import get_sampling

    given, out = written(tmp_path, name, pictures.kinds()[name]), tmp_path / f"out-{name}"
    redact_picture(Config(given, out, detect=NEAR), detector=detector)
    with Image.open(given) as before, Image.open(out) as after:
        assert after.quantization == before.quantization  # type: ignore[attr-defined]
        assert get_sampling(after) == get_sampling(before)
        assert after.mode == before.mode


@pytest.mark.parametrize("name", ["progressive.jpeg", "rgb8.png"])
def test_the_colour_profile_is_kept(name: str, detector: Detector, tmp_path: Path) -> None:
    given, out = written(tmp_path, name, pictures.kinds()[name]), tmp_path / f"out-{name}"
    redact_picture(Config(given, out, detect=NEAR), detector=detector)
    with Image.open(out) as image:
        assert image.info["icc_profile"] == pictures.profile()
        assert set(image.info) <= {"icc_profile", "jfif", "jfif_version", "jfif_unit",
                                   "jfif_density", "progressive", "progression"}  # fmt: skip


def test_a_png_of_16_bits_keeps_its_profile_too(detector: Detector, tmp_path: Path) -> None:
    import zlib

    named = b"a name\0\0" + zlib.compress(pictures.profile())
    content = pictures.with_chunk(pictures.kinds()["rgb16.png"], b"iCCP", named)
    given, out = written(tmp_path, "a.png", content), tmp_path / "out.png"
    redact_picture(Config(given, out, detect=NEAR), detector=detector)
    with Image.open(out) as image:
        assert image.info["icc_profile"] == pictures.profile()


def test_a_tiff_of_16_bits_tells_that_its_profile_is_lost(
    detector: Detector, tmp_path: Path
) -> None:
    import zlib

    named = b"a name\0\0" + zlib.compress(pictures.profile())
    content = pictures.with_chunk(pictures.kinds()["rgb16.png"], b"iCCP", named)
    given = written(tmp_path, "a.png", content)
    for name, told in (("out.tif", True), ("out.png", False)):
        summary = redact_picture(Config(given, tmp_path / name, detect=NEAR), detector=detector)
        assert any("without the colour profile" in each for each in summary.notices) == told


def test_what_a_png_says_of_its_colours_is_kept(detector: Detector, tmp_path: Path) -> None:
    given, out = written(tmp_path, "a.png", pictures.kinds()["gamma.png"]), tmp_path / "out.png"
    redact_picture(Config(given, out, detect=NEAR), detector=detector)
    with Image.open(out) as image:
        assert image.info == {"gamma": 0.45455}


def test_an_outline_in_the_alpha_channel_is_covered_too(detector: Detector, tmp_path: Path) -> None:
    given, out = written(tmp_path, "a.png", pictures.kinds()["rgba8.png"]), tmp_path / "out.png"
    redact_picture(Config(given, out, detect=NEAR), detector=detector)
    with Image.open(out) as image:
        left = np.asarray(image)[..., 3]
    assert (left[area(0.8)] == 255).all()  # as around it, where nothing is clear


@pytest.mark.parametrize("name", ["444.jpg", "rgb8.png", "rgb.webp", "rgb.avif"])
def test_bytes_behind_a_picture_go(name: str, detector: Detector, tmp_path: Path) -> None:
    given = written(tmp_path, name, pictures.with_more_behind(pictures.kinds()[name]))
    out = tmp_path / f"out-{name}"
    redact_picture(Config(given, out, detect=NEAR), detector=detector)
    assert pictures.SECRET.encode() not in out.read_bytes()


def test_of_several_pictures_in_a_jpeg_the_first_is_kept_and_it_is_told(
    detector: Detector, tmp_path: Path
) -> None:
    image = Image.fromarray(pictures.scene())
    given, out = tmp_path / "a.mpo", tmp_path / "out.jpg"
    image.save(given, "MPO", save_all=True, append_images=[image.rotate(5)])
    summary = redact_picture(Config(given, out, detect=NEAR), detector=detector)
    assert summary.notices == (f"{given}: holds several pictures; the first is kept",)
    with Image.open(out) as after:
        assert after.format == "JPEG"


@pytest.mark.parametrize("orientation", range(1, 9))
def test_samples_are_turned_as_pillow_turns_them(orientation: int) -> None:
    from PIL import ImageOps

    samples = np.arange(15, dtype=np.uint8).reshape(3, 5)
    image = Image.fromarray(samples)
    image.getexif()[0x0112] = orientation
    np.testing.assert_array_equal(
        turned(samples, orientation), np.asarray(ImageOps.exif_transpose(image))
    )


def test_an_animation_is_a_recording(tmp_path: Path) -> None:
    image = Image.fromarray(pictures.scene())
    for name in ("a.gif", "a.png", "a.webp"):
        image.save(tmp_path / name, save_all=True, append_images=[image.rotate(9)])
        assert not is_picture(tmp_path / name)
    assert is_picture(written(tmp_path, "b.gif", pictures.kinds()["still.gif"]))
    assert not is_picture(tmp_path / "in.mp4")


def test_a_picture_is_searched_as_closely_as_thorough_does() -> None:
    assert for_pictures(Detect()) == Detect(profile="thorough")
    assert for_pictures(NEAR) == NEAR
    assert for_pictures(Detect(detector="yunet")) == Detect(detector="yunet")


def test_faces_of_every_size_are_found_on_a_picture_of_any_size(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Larger than a tile: small faces at its seams, and one as large as a tile is high."""
    monkeypatch.setattr(picture, "_TILE", 400)
    monkeypatch.setattr(picture, "_OVERLAP", 120)
    portrait = pictures.scene()
    ground = np.full((900, 1400, 3), 120, np.uint8)
    places = [(20, 20), (280, 620), (1080, 660)]
    for x, y in places:
        ground[y : y + 240, x : x + 320] = portrait
    large = cv2.resize(portrait[:160, 60:200], (700, 800), interpolation=cv2.INTER_CUBIC)
    ground[0:600, 600:1300] = large[:600]
    planes = tuple(np.ascontiguousarray(ground[..., n]) for n in (1, 2, 0))
    frame = Frame(planes, PIXEL_FORMATS["gbrp"], 0, 0, Fraction(1, 25))
    detect = Detect(profile="balanced")
    with closing(open_detector(detect)) as detector:
        finding = picture.find(frame, detector, detect)
    assert isinstance(finding, Answered)
    box = pictures.face()
    wanted = [(box.x0 + x, box.y0 + y, box.width) for x, y in places]
    wanted.append((600 + 5 * (box.x0 - 60), 5 * box.y0, 5 * box.width))
    for x, y, width in wanted:
        near = [each.box for each in finding.detections if abs(each.box.x0 - x) < width / 2]
        assert any(abs(b.y0 - y) < width / 2 and 0.5 < b.width / width < 2 for b in near), (x, y)


def test_regions_of_a_picture_are_written_and_drawn_again(
    detector: Detector, tmp_path: Path
) -> None:
    given, regions = written(tmp_path, "a.png", pictures.kinds()["rgb8.png"]), tmp_path / "r.jsonl"
    first, again = tmp_path / "first.png", tmp_path / "again.png"
    redact_picture(Config(given, first, regions=regions, detect=NEAR), detector=detector)
    summary = redact_picture(Config(given, again, render_from=regions))
    assert (summary.regions_removed, summary.regions_added) == (0, 0)
    np.testing.assert_array_equal(pictures.shown(first), pictures.shown(again))
    other = written(tmp_path, "b.png", pictures.kinds()["grey8.png"])
    with pytest.raises(ConfigError, match="made for another input"):
        redact_picture(Config(other, tmp_path / "c.png", render_from=regions))


@pytest.mark.parametrize(
    ("config", "told"),
    [
        (Config("a.png", "b.mp4"), "a picture becomes a picture"),  # type: ignore[arg-type]
        (Config("a.png", "b.png", encode=Encode(crf=9)), "crf: has no effect on a picture"),  # type: ignore[arg-type]
        (Config("a.png", "b.png", cover=Cover(lead=1)), "lead: has no effect on a picture"),  # type: ignore[arg-type]
        (Config("a.png", "b.png", profile_stages=True), "profile-stages: has no effect"),  # type: ignore[arg-type]
    ],
)
def test_what_has_no_effect_on_a_picture_is_refused_by_name(config: Config, told: str) -> None:
    with pytest.raises(ConfigError, match=told):
        redact_picture(config)


def test_a_picture_that_is_there_is_kept_unless_overwritten(
    detector: Detector, tmp_path: Path
) -> None:
    given = written(tmp_path, "a.png", pictures.kinds()["rgb8.png"])
    config = Config(given, written(tmp_path, "b.png", b"precious"), detect=NEAR)
    with pytest.raises(ConfigError, match="--overwrite"):
        redact_picture(config, detector=detector)
    assert (tmp_path / "b.png").read_bytes() == b"precious"
    redact_picture(replace(config, encode=Encode(overwrite=True)), detector=detector)
    with pytest.raises(ConfigError, match="input itself"):
        redact_picture(replace(config, output=given), detector=detector)


def test_broken_pictures_end_in_one_line_and_leave_nothing(
    detector: Detector, tmp_path: Path
) -> None:
    """Mutants: cut short, bits turned over, rubbish inserted."""
    rng = random.Random(5)
    out = tmp_path / "out.png"
    names = sorted(pictures.NAMES)
    mute = MuteDetector(detector)
    for number in range(200):
        name = names[number % len(names)]
        given = written(tmp_path, f"mutant-{name}", mutant(pictures.kinds()[name], rng))
        said = ""
        try:
            redact_picture(Config(given, out, detect=NEAR), detector=mute)
        except SourceError as exc:
            said = str(exc)
        assert "\n" not in said
        assert bool(said) != out.exists()
        assert not said or given.name in said
        out.unlink(missing_ok=True)
        given.unlink()
        assert list(tmp_path.iterdir()) == []


class MuteDetector:
    """A detector for which decoding is all that matters."""

    def __init__(self, real: Detector) -> None:
        self.name, self.threshold, self.smallest_face = real.name, real.threshold, 1

    def start(self, views: object) -> Any:
        return self

    is_ready = True

    def wait(self, timeout: float) -> tuple[()]:
        return ()

    def close(self) -> None:
        pass


def mutant(content: bytes, rng: random.Random) -> bytes:
    data = bytearray(content)
    way = rng.randrange(3)
    if way == 0:
        return bytes(data[: rng.randrange(len(data))])
    if way == 1:
        for _ in range(rng.randrange(1, 12)):
            data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
        return bytes(data)
    place = rng.randrange(len(data))
    return bytes(data[:place] + rng.randbytes(rng.randrange(1, 400)) + data[place:])


def test_the_summary_tells_of_one_picture(detector: Detector, tmp_path: Path) -> None:
    given, told = written(tmp_path, "a.jpg", pictures.kinds()["420.jpg"]), tmp_path / "s.json"
    config = Config(given, tmp_path / "b.jpg", summary=told, detect=NEAR)
    summary = redact_picture(config, detector=detector)
    values = json.loads(told.read_text())
    assert (values["frames_in"], values["frames_redacted"], values["complete"]) == (1, 1, True)
    assert values["output_sha256"] == summary.output_sha256 != ""


def test_errors_are_ours(tmp_path: Path) -> None:
    with pytest.raises(BlurcamError, match="does not exist"):
        redact_picture(Config(tmp_path / "nix.png", tmp_path / "b.png"))
