"""Pictures of every kind that people have, with a known face and with secrets in their files."""

from __future__ import annotations

import io
import struct
import zlib
from functools import cache
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
from PIL import Image, ImageCms
from PIL.PngImagePlugin import PngInfo
from pillow_heif import register_heif_opener

from blurcam.detect import selftest
from blurcam.media.regions import Box

WIDTH, HEIGHT = 320, 240
SECRET: Final = "hunter22"
_AT: Final = (60, 20)


def scene() -> np.ndarray[Any, np.dtype[np.uint8]]:
    """A picture in R, G, B: the known face before a ground that is no two places the same."""
    rng = np.random.default_rng(7)
    ground = cv2.GaussianBlur(rng.integers(70, 180, (HEIGHT, WIDTH, 3)).astype(np.uint8), (0, 0), 3)
    face, _ = selftest.known_face()
    rows, columns = face.shape[:2]
    rows = min(rows, HEIGHT - _AT[1])
    ground[_AT[1] : _AT[1] + rows, _AT[0] : _AT[0] + columns] = face[:rows, :, ::-1]
    return np.ascontiguousarray(ground, np.uint8)


def face() -> Box:
    """Where the face is."""
    _, box = selftest.known_face()
    return Box(box.x0 + _AT[0], box.y0 + _AT[1], box.x1 + _AT[0], box.y1 + _AT[1])


@cache
def profile() -> bytes:
    """An ICC profile."""
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def exif(orientation: int = 1) -> bytes:
    """EXIF with an orientation, a maker's note and a place on the earth, all secret."""
    made = Image.Exif()
    made[0x0112] = orientation
    made[0x010E] = f"description {SECRET}"
    made[0x013B] = f"artist {SECRET}"
    gps = made.get_ifd(0x8825)
    gps[1], gps[2] = "N", (52.0, 31.0, 12.0)
    gps[29] = SECRET
    made.get_ifd(0x8769)[0x927C] = SECRET.encode()
    return made.tobytes()


def xmp() -> bytes:
    return f"<x:xmpmeta xmlns:x='adobe:ns:meta/'>{SECRET}</x:xmpmeta>".encode()


def saved(image: Image.Image, kind: str, **options: Any) -> bytes:
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def deep() -> np.ndarray[Any, np.dtype[np.uint16]]:
    """The scene in 16 bits, with something in the lower eight."""
    return scene().astype(np.uint16) * 257 ^ np.uint16(0x55)


def alpha() -> np.ndarray[Any, np.dtype[np.uint8]]:
    """An alpha channel that holds an outline of the face."""
    made = np.full((HEIGHT, WIDTH), 255, np.uint8)
    box = face()
    made[box.y0 + 10 : box.y1 - 10, box.x0 + 10 : box.x1 - 10] = 90
    return made


def _png16(*planes: np.ndarray[Any, np.dtype[Any]]) -> bytes:
    done, coded = cv2.imencode(".png", np.ascontiguousarray(np.squeeze(np.dstack(planes))))
    assert done
    return bytes(coded)


NAMES = (
    "444.jpg",
    "422.jpg",
    "420.jpg",
    "progressive.jpeg",
    "grey.jpg",
    "cmyk.jpg",
    "rgb8.png",
    "gamma.png",
    "rgba8.png",
    "grey8.png",
    "la8.png",
    "palette.png",
    "clear-palette.png",
    "bilevel.png",
    "rgb16.png",
    "rgba16.png",
    "grey16.png",
    "rgb.webp",
    "lossy.webp",
    "rgba.webp",
    "rgb.tif",
    "grey.tiff",
    "rgba.tif",
    "rgb.bmp",
    "still.gif",
    "rgb.avif",
    "rgb.heic",
    "rgb16.tif",
    *(f"turned-{n}.jpg" for n in range(1, 9)),
)


register_heif_opener()


@cache
def kinds() -> dict[str, bytes]:
    """Every kind of picture, by the name of a file of it: :data:`NAMES`."""
    rgb = Image.fromarray(scene())
    grey, cmyk = rgb.convert("L"), rgb.convert("CMYK")
    red, green, blue = (deep()[..., n] for n in range(3))
    rgba, la = rgb.copy(), grey.copy()
    rgba.putalpha(Image.fromarray(alpha()))
    la.putalpha(Image.fromarray(alpha()))
    chunks = PngInfo()
    chunks.add(b"gAMA", struct.pack(">I", 45455))
    chunks.add_text("Comment", SECRET)
    made = {
        f"{name}.jpg": saved(rgb, "JPEG", quality=quality, subsampling=way, exif=exif(), xmp=xmp())
        for name, quality, way in (("444", 96, "4:4:4"), ("422", 85, "4:2:2"), ("420", 60, "4:2:0"))
    }
    made |= {
        "progressive.jpeg": saved(rgb, "JPEG", progressive=True, icc_profile=profile()),
        "grey.jpg": saved(grey, "JPEG", quality=80),
        "cmyk.jpg": saved(cmyk, "JPEG", quality=90),
        "rgb8.png": saved(rgb, "PNG", exif=exif(), icc_profile=profile()),
        "gamma.png": saved(rgb, "PNG", pnginfo=chunks),
        "rgba8.png": saved(rgba, "PNG"),
        "grey8.png": saved(grey, "PNG"),
        "la8.png": saved(la, "PNG"),
        "palette.png": saved(rgb.quantize(200), "PNG"),
        "clear-palette.png": saved(rgb.quantize(200), "PNG", transparency=0),
        "bilevel.png": saved(rgb.convert("1"), "PNG"),
        "rgb16.png": _png16(blue, green, red),
        "rgba16.png": _png16(blue, green, red, alpha().astype(np.uint16) * 257),
        "grey16.png": _png16(green),
        "rgb.webp": saved(rgb, "WEBP", lossless=True, exif=exif(), xmp=xmp()),
        "lossy.webp": saved(rgb, "WEBP", quality=80),
        "rgba.webp": saved(rgba, "WEBP", lossless=True),
        "rgb.tif": saved(rgb, "TIFF", compression="tiff_lzw", description=SECRET),
        "grey.tiff": saved(grey, "TIFF"),
        "rgba.tif": saved(rgba, "TIFF"),
        "rgb.bmp": saved(rgb, "BMP"),
        "still.gif": saved(rgb.quantize(256), "GIF", comment=SECRET.encode()),
        "rgb.avif": saved(rgb, "AVIF", quality=90, exif=exif()),
        "rgb.heic": saved(rgb, "HEIF", quality=90, exif=exif()),
    }
    done, coded = cv2.imencode(".tiff", np.dstack((blue, green, red)))
    assert done
    made["rgb16.tif"] = bytes(coded)
    made |= {f"turned-{n}.jpg": turned(n) for n in range(1, 9)}
    assert tuple(made) == NAMES
    return made


def turned(orientation: int) -> bytes:
    """A JPEG that is stored otherwise than it is shown."""
    undo: dict[int, Image.Transpose] = {
        2: Image.Transpose.FLIP_LEFT_RIGHT, 3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM, 5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90, 7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }  # fmt: skip
    image = Image.fromarray(scene())
    if orientation in undo:
        image = image.transpose(undo[orientation])
    return saved(image, "JPEG", quality=92, exif=exif(orientation))


def with_more_behind(content: bytes) -> bytes:
    """A picture with bytes behind its end: a motion photo's video, say."""
    return content + b"\0\0\0\x18ftypmp42" + SECRET.encode() * 50


def with_chunk(content: bytes, kind: bytes, data: bytes) -> bytes:
    """A PNG with one chunk more, behind its first."""
    added = struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    return content[:33] + added + content[33:]


def shown(path: Path) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """What a viewer shows, in R, G, B."""
    from PIL import ImageOps

    with Image.open(path) as image:
        if image.mode.startswith("I;16"):
            grey = (np.asarray(image) >> 8).astype(np.uint8)
            return np.dstack((grey, grey, grey))
        return np.asarray(ImageOps.exif_transpose(image).convert("RGB"), np.uint8)
