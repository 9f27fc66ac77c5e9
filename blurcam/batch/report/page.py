"""The report as one page that needs nothing else: light, dark, and printed."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from html import escape
from typing import Any

Pictures = dict[str, list[tuple[float, str, bytes]]]

_STYLE = """
:root{color-scheme:light dark;--ink:#1d2430;--soft:#5b6675;--line:#d8dde5;--paper:#fff;
--card:#f6f8fa;--bar:#3b6fb5;--grey:#c2571a;--good:#1a7f4b;--look:#96600a;--bad:#b3261e}
@media (prefers-color-scheme:dark){:root{--ink:#e4e8ee;--soft:#9aa5b4;--line:#343c48;
--paper:#14181e;--card:#1c222b;--bar:#7aa7e6;--grey:#f0975a;--good:#5fcf94;--look:#e9b44c;
--bad:#ff8a80}}
*{box-sizing:border-box}body{margin:0 auto;max-width:68rem;padding:2rem 1.25rem 4rem;
background:var(--paper);color:var(--ink);font:16px/1.5 system-ui,sans-serif}
h1{font-size:1.7rem;margin:0 0 .25rem}h2{font-size:1.2rem;margin:2.5rem 0 .75rem}
p{margin:.4rem 0}.soft{color:var(--soft)}code{font-size:.85em;overflow-wrap:anywhere}
.tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(9rem,1fr));gap:.75rem;
margin:1.5rem 0}.tile{background:var(--card);border:1px solid var(--line);border-radius:.5rem;
padding:.75rem 1rem}.tile b{display:block;font-size:1.6rem;line-height:1.2}
table{border-collapse:collapse;width:100%}td,th{text-align:left;padding:.35rem .75rem .35rem 0;
border-bottom:1px solid var(--line);vertical-align:top;font-weight:400}th{color:var(--soft)}
article{border:1px solid var(--line);border-radius:.5rem;padding:1rem;margin:.75rem 0;
break-inside:avoid}article h3{font-size:1rem;margin:0;overflow-wrap:anywhere}
.tag{float:right;margin-left:1rem;font-weight:600}.good{color:var(--good)}.look{color:var(--look)}
.bad{color:var(--bad)}svg{display:block;width:100%;height:3rem;margin:.6rem 0 .1rem}
.faces{fill:var(--bar)}.whole{fill:var(--grey)}.axis{stroke:var(--line)}
.ends{display:flex;justify-content:space-between;font-size:.8rem;color:var(--soft)}
.shots{display:flex;flex-wrap:wrap;gap:.75rem;margin-top:.75rem}figure{margin:0;width:14rem}
img{width:100%;border-radius:.25rem;display:block}figcaption{font-size:.8rem;color:var(--soft)}
ul{margin:.4rem 0;padding-left:1.2rem}
@media print{body{max-width:none;padding:0;font-size:11pt}article{border-color:#999}}
"""


def page(document: dict[str, Any], pictures: Pictures) -> str:
    """Return the page; every picture in it is of a redacted recording."""
    return "".join(_page(document, pictures))


def _page(document: dict[str, Any], pictures: Pictures) -> Iterator[str]:
    header, files = document["header"], document["files"]
    yield '<!doctype html><html lang="en"><meta charset="utf-8">'
    yield '<meta name="viewport" content="width=device-width,initial-scale=1">'
    yield f"<title>Redaction report</title><style>{_STYLE}</style>"
    yield "<h1>Redaction report</h1>"
    yield (
        f'<p class="soft">{escape(header["out"])}, made {escape(header["made_at"])} by blurcam '
        f"{escape(header['version'])}</p>"
    )
    yield from _tiles(header)
    if header["is_cosmetic"]:
        yield (
            f'<p class="bad"><b>The effect, {escape(header["settings"]["effect"])}, is cosmetic: '
            "machines recognise most faces under it.</b></p>"
        )
    urgent = [each for each in files if each["look"]]
    yield "<h2>Look at these first</h2>"
    if not urgent:
        yield "<p>Nothing asks for it. Look at some recordings all the same.</p>"
    for each in urgent:
        yield from _file(each, pictures.get(each["output"], []))
    rest = [each for each in files if not each["look"]]
    if rest:
        yield "<h2>All other recordings</h2>"
    for each in rest:
        yield from _file(each, pictures.get(each["output"], []))
    yield from _settings(header)
    yield (
        "<h2>Whether this report was changed</h2><p>Run <code>blurcam report check</code> on the "
        f"folder. The chain over all entries ends in <code>{document['head']}</code>.</p></html>"
    )


def _tiles(header: dict[str, Any]) -> Iterator[str]:
    tally = header["tally"]
    shown = [
        (tally["files"], "recordings", ""),
        (tally["done"], "done", "good"),
        (tally["review"], "to look at", "look" if tally["review"] else ""),
        (tally["failed"], "failed", "bad" if tally["failed"] else ""),
        (f"{header['hours']:.1f}", "hours of video", ""),
        (f"{header['frames']:,}", "frames", ""),
    ]
    if tally["left"]:
        shown.append((tally["left"], "not done yet", "look"))
    yield '<div class="tiles">'
    for number, what, kind in shown:
        yield f'<div class="tile"><b class="{kind}">{number}</b>{what}</div>'
    yield "</div>"


def _file(entry: dict[str, Any], pictures: list[tuple[float, str, bytes]]) -> Iterator[str]:
    state, verdict = entry["state"], entry["verdict"]
    if state == "failed":
        kind, tag = "bad", "failed"
    elif state != "done":
        kind, tag = "look", "not done yet"
    else:
        kind, tag = ("look" if entry["look"] else "good"), verdict or "done"
    yield f'<article><span class="tag {kind}">{escape(tag)}</span>'
    yield f"<h3>{escape(entry['output'])}</h3>"
    yield f'<p class="soft">from {escape(entry["source"])}</p>'
    if entry["look"]:
        yield "<ul>" + "".join(f"<li>{escape(each)}</li>" for each in entry["look"]) + "</ul>"
    if entry["frames"] is not None and state == "done":
        yield (
            f"<p>{entry['frames']:,} frames, {_clock(entry['duration_s'])}; "
            f"{entry['tracks']} tracks, {entry.get('faces_per_minute', 0):g} a minute; "
            f"{entry['covered_whole']} frames covered whole, {entry['lost']} lost</p>"
        )
    if "timeline" in entry:
        yield from _timeline(entry["timeline"])
    if "verification" in entry:
        yield from _verification(entry["verification"])
    if pictures:
        yield '<div class="shots">'
        for seconds, why, jpeg in pictures:
            data = base64.b64encode(jpeg).decode()
            what = f"{_clock(seconds)}, {escape(why)}"
            yield f'<figure><img alt="redacted, {what}" src="data:image/jpeg;base64,{data}">'
            yield f"<figcaption>{what}</figcaption></figure>"
        yield "</div>"
    if entry["output_sha256"] and state == "done":
        yield f'<p class="soft">SHA-256 <code>{entry["output_sha256"]}</code></p>'
    yield "</article>"


def _timeline(timeline: dict[str, Any]) -> Iterator[str]:
    """Draw the most faces on a frame by time, upward, and frames covered whole, over the height."""
    faces, whole = timeline["faces"], timeline["whole"]
    count, most = len(faces), max([*faces, 1])
    if not count:
        return
    bars = "".join(
        f"M{i} 20v-{18 * n / most:.1f}h.9v{18 * n / most:.1f}z" for i, n in enumerate(faces) if n
    )
    greys = "".join(f"M{i} 20v-20h1v20z" for i, n in enumerate(whole) if n)
    end = timeline["start"] + count * timeline["step"]
    yield (
        f'<svg viewBox="0 0 {count} 20" preserveAspectRatio="none" role="img" aria-label="faces '
        f'covered by time, at most {max(faces)} on a frame"><path class="whole" d="{greys}"/>'
        f'<path class="faces" d="{bars}"/><path class="axis" d="M0 20h{count}" '
        'vector-effect="non-scaling-stroke"/></svg>'
    )
    note = f"up to {max(faces)} covered at once"
    if any(whole):
        note += f"; orange: {sum(whole)} frames covered whole"
    yield (
        f'<div class="ends"><span>{_clock(timeline["start"])}</span><span>{note}</span>'
        f"<span>{_clock(end)}</span></div>"
    )


def _verification(found: dict[str, Any]) -> Iterator[str]:
    sees = f"{found['sees_from']} px" if found["sees_from"] else "no size"
    yield (
        f'<p class="soft">Verified with {escape(found["detector"])} on {found["sampled"]} '
        f"frames; it found {found['planted_found']} of {found['planted']} planted faces, all from "
        f"{sees} on.</p>"
    )
    if found["seen"]:
        yield "<table><tr><th>time<th>place<th>confidence</tr>"
        for each in found["seen"][:20]:
            place = f"{each['x0']},{each['y0']} to {each['x1']},{each['y1']}"
            yield (f"<tr><td>{_clock(each['time'])}<td>{place}<td>{each['confidence']:.2f}</tr>")
        yield "</table>"


def _settings(header: dict[str, Any]) -> Iterator[str]:
    yield "<h2>How it was done</h2><table>"
    for group, values in header["settings"].items():
        rows = values.items() if isinstance(values, dict) else [("", values)]
        for name, value in rows:
            key = f"{group} {name}".strip()
            yield f"<tr><th>{escape(key)}<td><code>{escape(str(value))}</code></tr>"
    yield "</table>"


def _clock(seconds: float) -> str:
    whole = int(seconds)
    return f"{whole // 3600}:{whole // 60 % 60:02}:{whole % 60:02}"
