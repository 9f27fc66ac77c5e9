"""Whether an attempt was safe: no code anywhere, the books balanced, and the truth told."""

from __future__ import annotations

import numpy as np

from tests.proof.canary import decoded, hits
from tests.proof.paths import Attempt

# Names that a run may leave: the outputs, and each under its temporary name.
_USUAL = ("redacted.", "summary.json", "regions.jsonl", ".redacted.", ".regions.jsonl.")


def problems(attempt: Attempt) -> list[str]:
    """Return all that is wrong with an attempt, each as a sentence."""
    found = [str(hit) for hit in hits(attempt.feed, attempt.artefacts())]
    found += _ending(attempt)
    found += _books(attempt)
    for path in attempt.folder.parent.rglob("*"):
        if path.is_file() and not path.name.startswith(_USUAL):
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
    if "Traceback" in text:
        found.append("a traceback was shown")
    lines = [line for line in text.splitlines() if line and "WARNING" not in line]
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
    if code in (0, 3) and (counts is None or not exists):
        return [f"exit code {code}, but no {'output' if not exists else 'summary'}"]
    if not exists:
        return found
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
    if counts["frames_in"] + counts["frames_lost"] < attempt.feed.frames and code == 0:
        found.append(f"{counts['frames_in']} of {attempt.feed.frames} frames, and nothing said")
    if (code == 0) != counts["complete"]:
        found.append(f"exit code {code}, complete: {counts['complete']}")
    if attempt.struck and attempt.covers and not ended["covered_whole"]:
        found.append("no frame was covered whole")
    return found


def _covered_whole(pictures: np.ndarray) -> int:
    """Count the frames that are one even grey, but for a little text."""
    flat = pictures.reshape(len(pictures), -1).astype(int)
    return int(((abs(flat - 96) < 6).mean(1) > 0.85).sum()) if len(flat) else 0
