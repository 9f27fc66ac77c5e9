"""Files of redacted pictures, which contain samples, colour profile and nothing else."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from blurcam.errors import ConfigError, SinkWriteError
from blurcam.media.picture import PictureTraits
from blurcam.redact.gate import RedactedFrame
from blurcam.runtime.files import write_file

_FORMATS: Final = {
    ".jpg": "JPEG", ".jpeg": "JPEG", ".jpe": "JPEG", ".jfif": "JPEG", ".png": "PNG",
    ".webp": "WEBP", ".tif": "TIFF", ".tiff": "TIFF", ".bmp": "BMP", ".avif": "AVIF",
    ".heic": "HEIF", ".heif": "HEIF",
}  # fmt: skip
SUFFIXES: Final = frozenset(_FORMATS)
"""The suffixes of pictures that can be written."""
_WITH_ALPHA: Final = frozenset({"PNG", "WEBP", "TIFF", "AVIF", "HEIF"})
_WITH_16_BITS: Final = frozenset({"PNG", "TIFF"})
# The quality if the input was not a JPEG.
_QUALITY: Final = 95


def format_for(path: Path) -> str:
    """Return the format of a picture file; raises ConfigError for a name of another kind."""
    found = _FORMATS.get(path.suffix.lower())
    if found is None:
        raise ConfigError(
            f"{path}: a picture becomes a picture; name it .jpg, .png, .webp, .tif, .bmp or .avif"
        )
    if found == "HEIF":
        try:
            from pillow_heif import register_heif_opener
        except ImportError:
            raise ConfigError(
                f"{path}: HEIC needs one more package: pip install pillow-heif"
            ) from None
        register_heif_opener()
    return found


def write_picture(
    path: Path,
    redacted: RedactedFrame,
    alpha: RedactedFrame | None,
    traits: PictureTraits,
    *,
    overwrite: bool,
) -> None:
    """Write a redacted picture under its name, completely or not at all; raises SinkWriteError.

    ``alpha`` is its redacted alpha channel. If the format has none, the picture is put on white.
    """
    kind = format_for(path)
    try:
        write_file(path, _coded(kind, redacted, alpha, traits), overwrite=overwrite)
    except FileExistsError as exc:
        raise SinkWriteError(f"{path}: has appeared meanwhile") from exc
    except OSError as exc:
        raise SinkWriteError(f"{path}: cannot be written: {exc.strerror or exc}") from exc


def _coded(
    kind: str, redacted: RedactedFrame, alpha: RedactedFrame | None, traits: PictureTraits
) -> bytes:
    samples = _samples(redacted, alpha)
    if redacted.pixel_format.depth == 16 and kind in _WITH_16_BITS:
        return _deep(kind, samples, traits)
    if samples.dtype == np.uint16:
        samples = (samples >> 8).astype(np.uint8)
    is_ycbcr = redacted.pixel_format.name == "yuv444p"
    image = Image.fromarray(samples, "YCbCr") if is_ycbcr else Image.fromarray(samples)
    if is_ycbcr and kind != "JPEG":
        image = image.convert("RGB")
    if image.mode in ("LA", "RGBA") and kind not in _WITH_ALPHA:
        ground = Image.new("RGBA", image.size, "white")
        image = Image.alpha_composite(ground, image.convert("RGBA")).convert(
            "L" if image.mode == "LA" else "RGB"
        )
    out = io.BytesIO()
    image.save(out, kind, **_options(kind, traits))
    return out.getvalue()


def _samples(redacted: RedactedFrame, alpha: RedactedFrame | None) -> NDArray[Any]:
    """Return the planes as ``(rows, columns)`` or interleaved, R, G, B and alpha."""
    planes: list[NDArray[Any]] = list(redacted.planes)
    if redacted.pixel_format.is_rgb:
        planes = [planes[2], planes[0], planes[1]]
    if alpha is not None:
        planes.append(alpha.planes[0])
    return planes[0] if len(planes) == 1 else np.dstack(planes)


def _options(kind: str, traits: PictureTraits) -> dict[str, Any]:
    options: dict[str, Any] = {} if traits.profile is None else {"icc_profile": traits.profile}
    match kind:
        case "JPEG" if traits.tables is not None:
            options |= {"qtables": traits.tables, "subsampling": traits.subsampling}
        case "JPEG" | "AVIF" | "HEIF":
            options |= {"quality": _QUALITY, "subsampling": "4:4:4"}
        case "WEBP":
            options |= {"lossless": True}
        case "TIFF":
            options |= {"compression": "tiff_deflate"}
        case "PNG":
            options |= {"pnginfo": _png_info(traits)}
    return options


def _png_info(traits: PictureTraits) -> Any:
    from PIL.PngImagePlugin import PngInfo

    info = PngInfo()
    for kind, data in traits.colour_chunks:
        info.add(kind, data)
    return info


def _deep(kind: str, samples: NDArray[Any], traits: PictureTraits) -> bytes:
    """Return a picture of 16 bits, coded by OpenCV, since Pillow does not write those."""
    if samples.ndim == 3:
        order = [2, 1, 0, 3][: samples.shape[2]]
        samples = np.ascontiguousarray(samples[..., order])
    done, coded = cv2.imencode(".png" if kind == "PNG" else ".tiff", samples)
    if not done:
        raise OSError("cannot be coded")
    content = bytes(coded)
    return _with_chunks(content, traits) if kind == "PNG" else content


def _with_chunks(content: bytes, traits: PictureTraits) -> bytes:
    """Return a PNG with the chunks that tell its colours inserted after its first one."""
    chunks = list(traits.colour_chunks)
    if traits.profile is not None:
        chunks.append((b"iCCP", b"ICC\0\0" + zlib.compress(traits.profile)))
    behind = 8 + 25  # the signature, and IHDR
    added = b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in chunks
    )
    return content[:behind] + added + content[behind:]
