"""Whether an attempt was safe: no code anywhere, the books balanced, and the truth told."""

from __future__ import annotations

import json

import numpy as np

from tests.proof.canary import decoded, hits
from tests.proof.paths import Attempt


def problems(attempt: Attempt) -> list[str]:
    """Return all that is wrong with an attempt, each as a sentence."""
    found = [str(hit) for hit in hits(attempt.feed, attempt.artefacts())]
    found += _ending(attempt)
    found += _books_of_camera(attempt) if attempt.path == "serve" else _books(attempt)
    for path in attempt.folder.parent.rglob("*"):
        if path.is_file() and not path.name.startswith(attempt.usual):
            found.append(f"a file was left behind: {path.name}")
    return found


def _ending(attempt: Attempt) -> list[str]:
    """Exit code and message."""
    code, found = attempt.end.code, []
    if attempt.end.hung:
        found.append(f"hung; killed after {attempt.end.seconds:.0f} s")
    if code not in (attempt.codes if attempt.struck else {0}):
        found.append(f"exit code {code}, not {sorted(attempt.codes) if attempt.struck else 0}")
    text = attempt.stderr.decode(errors="replace")
    if attempt.path in ("serve", "review"):
        return found  # a service's log is longer, and shows where in the program a bug is
    if "Traceback" in text:
        found.append("a traceback was shown")
    lines = [line for line in text.splitlines() if line and "WARNING" not in line]
    if attempt.path == "batch" and lines and lines[-1].startswith('{"command"'):
        del lines[-1]
    if code in (1, 2) and len(lines) != 1 and attempt.heard:
        found.append(f"{len(lines)} lines for one error: {lines[:3]}")
    if not all(line.startswith("blurcam: ") for line in lines):
        found.append(f"words of others on standard error: {lines[:2]}")
    return found


def _books(attempt: Attempt) -> list[str]:
    """What lies under the final name is whole, and the summary tells what it is."""
    found: list[str] = []
    counts, code, output = attempt.counts, attempt.end.code, attempt.output
    exists = output.exists() and output.read_bytes()[:4] != b"mine"
    if attempt.path == "batch" and code == 3 and counts is None and not exists:
        return found  # failed, which the job says and its ledger keeps
    if code in (0, 3) and (counts is None or not exists):
        return [f"exit code {code}, but no {'output' if not exists else 'summary'}"]
    if not exists:
        return found
    if code not in (0, 3) and attempt.is_stream:
        return found  # what was written before the failure is gone, and was redacted
    if code not in (0, 3) and not attempt.named:
        return [f"exit code {code}, and yet there is something under the final name"]
    pictures = decoded(output)
    if counts is None:
        # Killed or failed after the name was given: then it must be complete all the same.
        whole = attempt.feed.frames
        return [] if len(pictures) == whole else [f"incomplete under its name: {len(pictures)}"]
    ended = {key: counts[f"frames_{key}"] for key in ("redacted", "covered_whole", "dropped",
                                                      "frozen")}  # fmt: skip
    if counts["frames_in"] != sum(ended.values()):
        found.append(f"{counts['frames_in']} frames decoded, but {ended}")
    if len(pictures) != counts["frames_in"] - ended["dropped"]:
        found.append(f"{len(pictures)} frames in the output, {counts['frames_in']} counted")
    whole = _covered_whole(pictures)
    if whole != ended["covered_whole"]:
        found.append(f"{whole} grey frames in the output, {ended['covered_whole']} counted")
    missing = attempt.feed.frames - counts["frames_in"] - counts["frames_lost"]
    if missing > 0 and code == 0 and not attempt.ends_early:
        found.append(f"{counts['frames_in']} of {attempt.feed.frames} frames, and nothing said")
    if (code == 0) != counts["complete"] and not attempt.ends_early:
        found.append(f"exit code {code}, complete: {counts['complete']}")
    if attempt.struck and attempt.covers and not ended["covered_whole"]:
        found.append("no frame was fully covered")
    return found


def _books_of_camera(attempt: Attempt) -> list[str]:
    """Every process that ended by itself has accounted for its frames; recordings can be played."""
    found, books = [], []
    root = attempt.folder.parent.parent
    for path in root.glob("*.json"):
        ended = json.loads(path.read_text())
        books.append(ended)
        known = ended["redacted"] + ended["covered_whole"] + ended["dropped"] + ended["frozen"]
        if ended["frames_in"] != known:
            found.append(f"{ended['frames_in']} frames decoded, but {ended}")
    recordings = [p for p in attempt.folder.glob("redacted.*") if p.suffix == ".ts"]
    shown = {path.name: decoded(path) for path in recordings}
    found += [f"{name} cannot be played" for name, pictures in shown.items() if not len(pictures)]
    if len(books) == len(recordings) == 1 and b"ended with" not in attempt.stderr:
        ((ended,), (pictures,)) = books, shown.values()
        written = ended["redacted"] + ended["covered_whole"] + ended["frozen"]
        if len(pictures) != written:
            found.append(f"{len(pictures)} frames in the recording, {written} counted")
        whole = _covered_whole(pictures)
        if whole != ended["covered_whole"] and not ended["frozen"]:
            found.append(f"{whole} grey frames recorded, {ended['covered_whole']} counted")
    if not attempt.struck and not books:
        found.append("no process of the camera ended by itself")
    return found


def _covered_whole(pictures: np.ndarray) -> int:
    """Count the frames that are one even grey, but for a little text."""
    if not len(pictures):
        return 0
    flat = pictures.reshape(len(pictures), -1).astype(int)
    return int(((abs(flat - 96) < 6).mean(1) > 0.85).sum())
