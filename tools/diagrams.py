"""Draws the diagrams of the documentation: docs/pictures/chain.svg and system.svg."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from xml.sax.saxutils import escape

FOLDER = Path(__file__).parent.parent / "docs" / "pictures"
FONT = 'font-family="system-ui, sans-serif"'
PLAIN, RAW, GATE, SAFE = "#eceff1", "#ffe0b2", "#37474f", "#c8e6c9"


@dataclass(frozen=True, slots=True)
class Card:
    """A rectangle with a name and what is below it."""

    x: float
    y: float
    width: float
    height: float
    name: str
    lines: tuple[str, ...] = ()
    fill: str = PLAIN

    def svg(self) -> Iterator[str]:
        """Yield its parts."""
        dark = self.fill == GATE
        ink, faint = ("#ffffff", "#eceff1") if dark else ("#212121", "#424242")
        yield (
            f'<rect x="{self.x}" y="{self.y}" width="{self.width}" height="{self.height}" rx="8" '
            f'fill="{self.fill}" stroke="#546e7a"/>'
        )
        middle = self.x + self.width / 2
        top = self.y + self.height / 2 - 8 * len(self.lines) + 5
        yield text(middle, top, self.name, 15, ink, "bold")
        for n, line in enumerate(self.lines, 1):
            yield text(middle, top + 17 * n, line, 12, faint)


def text(x: float, y: float, words: str, size: int, ink: str, weight: str = "normal") -> str:
    """Return words, centred at a place."""
    return (
        f'<text x="{x}" y="{y}" {FONT} font-size="{size}" font-weight="{weight}" fill="{ink}" '
        f'text-anchor="middle">{escape(words)}</text>'
    )


def arrow(x0: float, y0: float, x1: float, y1: float, words: str = "") -> Iterator[str]:
    """Yield an arrow, with words above its middle."""
    yield (
        f'<line x1="{x0}" y1="{y0}" x2="{x1}" y2="{y1}" stroke="#546e7a" stroke-width="2" '
        'marker-end="url(#tip)"/>'
    )
    if words:
        yield text((x0 + x1) / 2, (y0 + y1) / 2 - 8, words, 12, "#424242")


def drawing(width: int, height: int, title: str, parts: list[str]) -> str:
    """Return a whole file; its ground is white, so that it can be read on a dark page."""
    tip = (
        '<defs><marker id="tip" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="7" '
        'markerHeight="7" orient="auto"><path d="M0 0L10 5L0 10z" fill="#546e7a"/></marker></defs>'
    )
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img">'
    ground = f'<rect width="{width}" height="{height}" rx="10" fill="#ffffff"/>'
    return "\n".join([head, f"<title>{escape(title)}</title>", tip, ground, *parts, "</svg>\n"])


STAGES = (
    ("sources", ("decode",), "Frame"),
    ("detect", ("where faces are",), "Finding"),
    ("track", ("what must be", "covered"), "Coverage"),
    ("redact", ("the one gate",), "RedactedFrame"),
    ("encode", ("once",), "RedactedPacket"),
    ("sinks", ("files, RTSP,", "pipes"), ""),
)


def chain() -> str:
    """Return the chain: every stage, and what goes from one to the next."""
    parts: list[str] = []
    x = 20.0
    for n, (name, lines, passed) in enumerate(STAGES):
        fill = GATE if name == "redact" else RAW if n < 3 else SAFE
        parts += Card(x, 50, 110, 80, name, lines, fill).svg()
        gap = 20 + 8.0 * len(passed)
        if passed:
            parts += arrow(x + 110, 90, x + 110 + gap, 90, passed)
        x += 110 + gap
    width = round(x)
    gate = 20.0 + sum(110 + 20 + 8.0 * len(passed) for *_, passed in STAGES[:3])
    parts.append(text(gate / 2, 28, "frames that show faces: in memory alone", 13, "#e65100"))
    after = (gate + 110 + width) / 2
    parts.append(text(after, 28, "only redacted frames and packets", 13, "#2e7d32"))
    return drawing(width, 150, "The chain from a frame to an output", parts)


def system() -> str:
    """Return what blurcam stands between."""
    parts: list[str] = []
    inputs = (
        ("cameras", ("RTSP, HTTP, USB",)),
        ("recordings", ("files, folders, archives",)),
        ("pictures", ("JPEG, PNG, HEIC…",)),
        ("a pipe", ("ffmpeg, go2rtc",)),
    )
    outputs = (
        ("recorder, NVR", ("RTSP by MediaMTX", "or go2rtc")),
        ("files", ("MP4, MKV, TS, WebM",)),
        ("viewers", ("HLS, WebRTC, the page",)),
        ("a pipe", ("lossless or coded",)),
    )
    for n, (name, lines) in enumerate(inputs):
        y = 50.0 + 80 * n
        parts += Card(20, y, 170, 62, name, lines, RAW).svg()
        parts += arrow(190, y + 31, 318, 121 + 30 * n)
    parts += Card(
        320, 90, 200, 200, "blurcam",
        ("finds faces,", "follows and covers them,", "writes nothing", "that was not covered"),
        GATE,
    ).svg()  # fmt: skip
    for n, (name, lines) in enumerate(outputs):
        y = 50.0 + 80 * n
        parts += arrow(520, 121 + 30 * n, 648, y + 31)
        parts += Card(650, y, 190, 62, name, lines, SAFE).svg()
    parts.append(text(105, 32, "show faces: close their network", 13, "#e65100"))
    parts.append(text(745, 32, "redacted", 13, "#2e7d32"))
    return drawing(860, 380, "What goes into blurcam, and what comes out", parts)


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    (FOLDER / "chain.svg").write_text(chain(), encoding="utf-8")
    (FOLDER / "system.svg").write_text(system(), encoding="utf-8")
