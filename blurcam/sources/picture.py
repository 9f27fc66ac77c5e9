"""Pictures, decoded by Pillow as they are shown; only their traits are kept of their files."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, Final, cast

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms, ImageOps, UnidentifiedImageError
from PIL.JpegImagePlugin import get_sampling

from blurcam.errors import SourceOpenError, SourceReadError
from blurcam.media.formats import DEEP_FORMATS, PIXEL_FORMATS, PixelFormat
from blurcam.media.frames import Frame
from blurcam.media.picture import PictureTraits

SUFFIXES: Final = frozenset(
    {".jpg", ".jpeg", ".jpe", ".jfif", ".mpo", ".png", ".webp", ".tif", ".tiff", ".bmp", ".gif"}
    | {".avif", ".heic", ".heif"}
)
# Files of these types may be animations, which are recordings.
_PERHAPS_ANIMATED: Final = frozenset({".png", ".webp", ".gif", ".avif"})
# Three planes of 16 bits, a copy of them, and the views that are searched: 4 GB.
_MOST_PIXELS: Final = 1 << 28
_ORIENTATION: Final = 0x0112
_BITS_PER_SAMPLE: Final = 258
_SUBSAMPLINGS: Final = {0: "4:4:4", 1: "4:2:2", 2: "4:2:0"}
# The chunks by which a PNG without a profile tells its colours.
_COLOUR_CHUNKS: Final = (b"cICP", b"gAMA", b"cHRM", b"sRGB")
_TIME_BASE: Final = Fraction(1, 25)

Samples = NDArray[np.uint8] | NDArray[np.uint16]


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture as it is shown: upright, its alpha channel as a frame of its own."""

    frame: Frame
    alpha: Frame | None
    traits: PictureTraits
    notices: tuple[str, ...] = ()


def is_picture(path: Path) -> bool:
    """Return whether a file is a picture by its name, and not an animation."""
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        return False
    if suffix in _PERHAPS_ANIMATED:
        with (
            suppress(Exception),
            Image.open(path) as image,
        ):  # the reader tells what is wrong
            return not getattr(image, "is_animated", False)
    return True


def read_picture(path: Path) -> Picture:
    """Decode a picture; raises :class:`~blurcam.errors.SourceError` in one line."""
    with _border(path):
        content = path.read_bytes()
        image: Any = _opened(path, content)
        traits, notices = _traits(image, content), []
        if _is_deep(image):
            return _deep(path, content, image.getexif().get(_ORIENTATION, 1), traits)
        if image.format in ("JPEG", "MPO"):
            if image.mode == "RGB" and image.info.get("adobe_transform") != 0:
                image.draft("YCbCr", image.size)  # as it is stored, so that no conversion loses
            if getattr(image, "n_frames", 1) > 1:
                notices.append("holds several pictures; the first is kept")
        image.load()
        image = ImageOps.exif_transpose(image)
        if image.mode == "CMYK":
            image, traits = _from_cmyk(image, traits)
            notices.append("is in CMYK, which is written as RGB; its colours may differ")
        return _picture(path, image, traits, tuple(notices))


def read_bgr(path: Path) -> NDArray[np.uint8]:
    """Decode a picture to ``(rows, columns, 3)`` of 8 bits in the order B, G, R, as it is shown."""
    with _border(path):
        image = ImageOps.exif_transpose(_opened(path, path.read_bytes()))
        if image.mode.startswith("I;16"):  # Pillow's own conversion makes these white
            grey = (np.asarray(image) >> 8).astype(np.uint8)
            return np.dstack((grey, grey, grey))
        rgb = np.asarray(image.convert("RGB"), np.uint8)
        return np.ascontiguousarray(rgb[..., ::-1])


@contextmanager
def _border(path: Path) -> Iterator[None]:
    """Translate the errors of Pillow and OpenCV, which raise many kinds for broken files."""
    try:
        yield
    except (SourceOpenError, SourceReadError):
        raise
    except FileNotFoundError:
        raise SourceOpenError(f"{path}: does not exist") from None
    except MemoryError:
        raise SourceOpenError(f"{path}: is too large for the memory of this machine") from None
    except Exception as exc:
        said = " ".join(str(exc).split()) or type(exc).__name__
        raise SourceReadError(f"{path}: cannot be read as a picture: {said[:200]}") from exc


def _opened(path: Path, content: bytes) -> Any:
    """Return the picture with only its header read."""
    if path.suffix.lower() in (".heic", ".heif"):
        _register_heif(path)
    Image.MAX_IMAGE_PIXELS = None  # the limit below is ours
    try:
        image: Any = Image.open(io.BytesIO(content))
    except UnidentifiedImageError:
        what = "is empty" if not content else "is not a picture that Pillow knows"
        raise SourceOpenError(f"{path}: {what}") from None
    if image.width * image.height > _MOST_PIXELS:
        raise SourceOpenError(f"{path}: {image.width}x{image.height} pixels are too many")
    if getattr(image, "n_frames", 1) > 1 and image.format != "MPO":
        raise SourceOpenError(f"{path}: holds {image.n_frames} pictures; split it first")
    return image


def _register_heif(path: Path) -> None:
    try:
        from pillow_heif import register_heif_opener
    except ImportError:
        raise SourceOpenError(
            f"{path}: HEIC needs one more package: pip install pillow-heif"
        ) from None
    register_heif_opener()


def _traits(image: Any, content: bytes) -> PictureTraits:
    profile = image.info.get("icc_profile") or None
    chunks = () if profile or image.format != "PNG" else tuple(_colour_chunks(content))
    if image.format not in ("JPEG", "MPO"):
        return PictureTraits(profile, chunks)
    return PictureTraits(
        profile,
        tables={number: list(table) for number, table in image.quantization.items()},
        subsampling=_SUBSAMPLINGS.get(get_sampling(image), "4:4:4"),
    )


def _colour_chunks(content: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield the chunks before a PNG's samples that tell its colours."""
    place = 8
    while place + 8 <= len(content):
        length, kind = int.from_bytes(content[place : place + 4]), content[place + 4 : place + 8]
        if kind == b"IDAT":
            return
        if kind in _COLOUR_CHUNKS:
            yield kind, content[place + 8 : place + 8 + length]
        place += length + 12


def _is_deep(image: Any) -> bool:
    """Return whether Pillow would cut the samples down to 8 bits."""
    if image.mode.startswith("I;16"):
        return True
    if image.format == "PNG":
        return any(";16" in str(tile[3]) for tile in image.tile)
    tags = getattr(image, "tag_v2", {})
    return image.format == "TIFF" and 16 in tags.get(_BITS_PER_SAMPLE, ())


def _deep(path: Path, content: bytes, orientation: int, traits: PictureTraits) -> Picture:
    samples = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_UNCHANGED)
    if samples is None or samples.dtype != np.uint16:
        raise SourceReadError(f"{path}: cannot be read as a picture of 16 bits")
    upright = turned(cast(Samples, samples), orientation)
    if upright.ndim == 2:
        return Picture(_frame(DEEP_FORMATS["gray16le"], upright), None, traits)
    blue, green, red = (upright[..., n] for n in range(3))
    alpha = _frame(DEEP_FORMATS["gray16le"], upright[..., 3]) if upright.shape[2] == 4 else None
    return Picture(_frame(DEEP_FORMATS["gbrp16le"], green, blue, red), alpha, traits)


def turned(samples: Samples, orientation: int) -> Samples:
    """Return samples turned by one of EXIF's eight orientations."""
    if orientation in (5, 6, 7, 8):
        samples = samples.swapaxes(0, 1)
    if orientation in (2, 3, 6, 7):
        samples = samples[:, ::-1]
    if orientation in (3, 4, 7, 8):
        samples = samples[::-1]
    return samples


def _from_cmyk(image: Any, traits: PictureTraits) -> tuple[Any, PictureTraits]:
    if traits.profile is not None:
        with suppress(ImageCms.PyCMSError):  # a broken profile
            given = ImageCms.ImageCmsProfile(io.BytesIO(traits.profile))
            rgb = ImageCms.profileToProfile(
                image, given, ImageCms.createProfile("sRGB"), outputMode="RGB"
            )
            return rgb, PictureTraits(tables=traits.tables)
    return image.convert("RGB"), PictureTraits(tables=traits.tables)


def _picture(path: Path, image: Any, traits: PictureTraits, notices: tuple[str, ...]) -> Picture:
    """Return an upright picture of 8 bits as frames."""
    grey = PIXEL_FORMATS["gray"]
    if image.mode in ("P", "PA", "RGB") and (image.mode == "PA" or "transparency" in image.info):
        image = image.convert("RGBA")
    elif image.mode in ("P", "RGBX"):
        image = image.convert("RGB")
    elif image.mode == "1" or (image.mode == "L" and "transparency" in image.info):
        image = image.convert("LA" if "transparency" in image.info else "L")
    bands = [np.asarray(band, np.uint8) for band in image.split()]
    match image.mode:
        case "L" | "LA":
            frame = _frame(grey, bands[0])
        case "RGB" | "RGBA":
            frame = _frame(PIXEL_FORMATS["gbrp"], bands[1], bands[2], bands[0])
        case "YCbCr":
            frame = _frame(PIXEL_FORMATS["yuv444p"], *bands)
        case _:
            raise SourceOpenError(f"{path}: pictures in Pillow's mode {image.mode} are not taken")
    alpha = _frame(grey, bands[-1]) if image.mode in ("LA", "RGBA") else None
    return Picture(frame, alpha, traits, notices)


def _frame(pixel_format: PixelFormat, *planes: Samples) -> Frame:
    return Frame(
        tuple(cast(Samples, np.ascontiguousarray(plane)) for plane in planes),
        pixel_format,
        0,
        0,
        _TIME_BASE,
    )
