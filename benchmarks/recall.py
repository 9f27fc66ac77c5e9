"""``make bench-recall``: how many faces blurcam and its peers leave readable, side by side."""

from __future__ import annotations

import argparse
import csv
import json
import os
import tempfile
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks import footage, outputs
from benchmarks.contenders import PROFILES, has_peers, versions
from benchmarks.judged import Deface, Evaluated, Footage, Values
from benchmarks.machine import this_machine
from benchmarks.processes import Failed
from benchmarks.scenes.decoding import Unreadable
from blurcam.models.manifest import model, path_of

Judge = Evaluated | Deface
# One search of every frame, and each covered by its own detections alone.
_ALONE = ("--lead", "0", "--hold", "0", "--bridge", "0")


def contenders(profiles: tuple[str, ...]) -> Iterator[Judge]:
    """Yield everybody who can be judged here."""
    for profile in profiles:
        yield Evaluated(f"blurcam {profile}", ("--profile", profile))
    yield Evaluated("MediaPipe alone", ("--detector", "mediapipe", *_ALONE))
    if (models := _yunet()) is not None:
        yield Evaluated("YuNet alone", ("--detector", "yunet", *_ALONE), models)
    if has_peers():
        yield Deface("deface 1.5.0", "opencv")


def labelled(pictures: int | None, folder: Path) -> Iterator[Footage]:
    """Yield the footage there is; of the pictures only every n-th where fewer are wanted."""
    data = footage.data()
    if data is not None:
        wider = data / "wider-dev"
        labels = wider / "faces.csv"
        if pictures is not None:
            labels = some_of(labels, pictures, folder)
        yield Footage("pictures", wider, labels)
        for name, truth in (("towncentre", "towncentre-faces.csv"),):
            yield Footage(name, data / "videos" / f"{name}.mp4", data / "videos" / truth)
    for truth_path in sorted(footage.SAMPLES.glob("*.json")):
        yield Footage(truth_path.stem, truth_path.with_suffix(".mp4"), truth_path)
    if data is not None:
        for name in ("bottles-noface", "carpark-noface"):
            yield Footage(name, data / "videos" / f"{name}.mp4", None)


def some_of(labels: Path, count: int, folder: Path) -> Path:
    """Write the labels of ``count`` pictures, evenly spread over the sorted names."""
    with labels.open(encoding="utf-8", newline="") as file:
        reader = csv.DictReader(file)
        rows, columns = list(reader), reader.fieldnames or ()
    names = sorted({row["image"] for row in rows})
    step = max(1, len(names) // count)
    chosen = set(names[::step][:count])
    written = folder / "faces.csv"
    with written.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, columns)
        writer.writeheader()
        writer.writerows(row for row in rows if row["image"] in chosen)
    return written


def _yunet() -> Path | None:
    """Return the folder that holds YuNet: pulled, or among the labelled footage."""
    pulled = path_of(model("yunet"))
    data = footage.data()
    places = [pulled, *([data / "models" / pulled.name] if data is not None else [])]
    return next((path.parent for path in places if path.exists()), None)


def markdown(results: dict[str, Any]) -> str:
    """Return the tables that the README quotes."""
    lines = [
        "# Faces left readable, side by side",
        "",
        f"Machine: {results['machine_text']}  ",
        "Versions: " + ", ".join(f"{k} {v}" for k, v in results["versions"].items()) + "  ",
        "A face is covered where at least 90 % of its labelled box lies under the mask. Again: "
        f"`{results['command']}`",
    ]
    for name, judged in results["footage"].items():
        lines += ["", f"## {name}", "", *_table(judged)]
    if results["outputs"]:
        lines += [
            "",
            "# What can be made out in the outputs",
            "",
            "A face is exposed if it can be made out in the file that was written: see "
            "docs/design/scenes.md. CPU is told over that of the first.",
        ]
    for name, found in results["outputs"].items():
        shown = {who: outputs.Shown(**values) for who, values in found.items()}
        lines += ["", f"## {name}", "", *outputs.table(shown)]
    return "\n".join(lines) + "\n"


def _table(judged: dict[str, Values]) -> Iterator[str]:
    first = next(iter(judged.values()))
    heights = [key for key, each in first["by_height"].items() if each["faces"]]
    is_video = "exposed_face_seconds_per_hour" in first
    columns = [f"{key} px ({first['by_height'][key]['faces']})" for key in heights]
    columns += ["exposed face-frames"]
    if is_video:
        columns += ["exposed face-s per hour", "longest, s", "false boxes a minute"]
    else:
        columns += ["false boxes a picture"]
    columns += ["needlessly covered", "s a frame"]
    yield "| covered | " + " | ".join(columns) + " |"
    yield "|---" * (len(columns) + 1) + "|"
    for name, values in judged.items():
        cells = [_share(values["by_height"][key]) for key in heights]
        cells += [str(values["exposed_face_frames"])]
        if is_video:
            cells += [
                f"{values['exposed_face_seconds_per_hour']:.0f}",
                f"{values['longest_exposed_s']:.2f}",
                f"{values['false_per_minute']:.1f}",
            ]
        else:
            cells += [f"{values['false_per_picture']:.2f}"]
        cells += [f"{values['over_cover']:.2%}", f"{values['seconds_per_frame']:.3f}"]
        yield f"| {name} | " + " | ".join(cells) + " |"


def _share(counts: dict[str, int]) -> str:
    return f"{counts['covered'] / counts['faces']:.1%}" if counts["faces"] else "–"


def main() -> None:
    """Judge everybody on everything, and write JSON and Markdown as far as it has come."""
    asked = _parsed()
    asked.out.mkdir(parents=True, exist_ok=True)
    machine = this_machine()
    print(machine, flush=True)
    results: dict[str, Any] = {
        "machine": machine.values(),
        "machine_text": str(machine),
        "versions": versions(),
        "command": "make bench-recall",
        "footage": {},
        "outputs": {},
    }
    with tempfile.TemporaryDirectory(prefix="blurcam-recall-") as folder:
        if asked.only != "outputs":
            _judge_masks(asked, Path(folder), results)
        if asked.only != "masks":
            _judge_outputs(asked, Path(folder), results)
    print((asked.out / "recall.md").read_text(encoding="utf-8"))


def _parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Faces left readable, side by side.")
    parser.add_argument("--pictures", type=int, help="so many labelled pictures, in place of all")
    parser.add_argument("--profiles", nargs="+", default=PROFILES, choices=PROFILES)
    parser.add_argument("--footage", nargs="+", help="only these: pictures, towncentre, crowd, …")
    parser.add_argument(
        "--only", choices=("masks", "outputs"), help="only where masks lie, or what outputs show"
    )
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results" / "recall")
    parser.add_argument(
        "--cache", type=Path, help="searches kept by this very code, as XDG_CACHE_HOME has them"
    )
    return parser.parse_args()


def _judge_masks(asked: argparse.Namespace, folder: Path, results: dict[str, Any]) -> None:
    for each in labelled(asked.pictures, folder):
        if asked.footage and each.name not in asked.footage:
            continue
        judged = results["footage"].setdefault(each.name, {})
        for who in contenders(tuple(asked.profiles)):
            print(f"{each.name}: {who.name}", flush=True)
            try:
                judged[who.name] = who.judge(each, asked.cache or folder)
            except Failed as exc:
                print(f"  failed: {exc}", flush=True)
        _write(results, asked.out)


def _judge_outputs(asked: argparse.Namespace, folder: Path, results: dict[str, Any]) -> None:
    for scene in outputs.recordings(tuple(asked.footage or outputs.RECORDINGS)):
        judged = results["outputs"].setdefault(scene.name, {})
        for who in outputs.contenders(tuple(asked.profiles)):
            print(f"{scene.name}: output of {who.name}", flush=True)
            try:
                judged[who.name] = asdict(outputs.shown(who, scene, folder))
            except (Failed, Unreadable) as exc:
                print(f"  failed: {exc}", flush=True)
        _write(results, asked.out)


def _write(results: dict[str, Any], out: Path) -> None:
    text = json.dumps(results, indent=1)
    (out / "recall.json").write_text(text + os.linesep, encoding="utf-8")
    (out / "recall.md").write_text(markdown(results), encoding="utf-8")


if __name__ == "__main__":
    main()
