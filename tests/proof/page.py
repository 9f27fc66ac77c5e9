"""What ``make prove`` has found: all tables, and the summary in docs/design/proof.md."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

SAFE = ("blur", "solid", "mosaic")


def tables(proof: dict[str, Any]) -> Iterator[str]:
    """Yield the lines of every table: a row for each fault, test module and attack."""
    yield from _measured(proof)
    yield from _totals(_all_faults(proof))
    yield from _each_fault(_all_faults(proof))
    yield from _tests(proof.get("tests", ()))
    yield from _scenes(proof.get("scenes", ()))
    yield from _attacks(proof.get("attacks", ()))


def summary(proof: dict[str, Any]) -> Iterator[str]:
    """Yield the lines of the summary: totals, and of each attack the best attacker."""
    yield from _measured(proof)
    yield from _totals(_all_faults(proof))
    yield from _tests(proof.get("tests", ()))
    yield from _all_scenes(proof.get("scenes", ()))
    yield from _best_attackers(proof.get("attacks", ()))


def _all_faults(proof: dict[str, Any]) -> list[dict[str, Any]]:
    return [*proof.get("run", ()), *proof.get("paths", ())]


def _measured(proof: dict[str, Any]) -> Iterator[str]:
    minutes = {name: round(seconds / 60) for name, seconds in proof.get("seconds", {}).items()}
    if minutes:
        told = ", ".join(f"{name} {count}" for name, count in minutes.items())
        yield f"Measured on {proof.get('machine', 'a machine')}; minutes: {told}."


def _totals(faults: list[dict[str, Any]]) -> Iterator[str]:
    if not faults:
        return
    yield "\n## Faults"
    yield "\n| path | kinds of fault | runs | struck | unsafe | breaks noticed |"
    yield "|---|---|---|---|---|---|"
    for path in dict.fromkeys(each["path"] for each in faults):
        own = [each for each in faults if each["path"] == path]
        yield (
            f"| `{path}` | {len(own)} | {sum(f['runs'] for f in own)} "
            f"| {sum(f['struck'] for f in own)} | {sum(len(f['unsafe']) for f in own)} "
            f"| {sum(f['noticed'] for f in own)} of {len(own)} |"
        )
    runs, unsafe = sum(f["runs"] for f in faults), sum(len(f["unsafe"]) for f in faults)
    kinds = len({f["fault"] for f in faults})
    yield f"\n{kinds} kinds of fault, {runs} runs, {unsafe} of them unsafe."


def _each_fault(faults: list[dict[str, Any]]) -> Iterator[str]:
    if not faults:
        return
    yield "\n| path | fault | runs | struck | unsafe | break | noticed |"
    yield "|---|---|---|---|---|---|---|"
    for f in faults:
        yield (
            f"| {f['path']} | {f['fault']} | {f['runs']} | {f['struck']} | {len(f['unsafe'])} "
            f"| `{f['break']}` | {'yes' if f['noticed'] else '**no**'} |"
        )


def _tests(tests: list[dict[str, Any]]) -> Iterator[str]:
    if not tests:
        return
    yield "\n## Everything else"
    yield "\n| tests | what they show | run | failed | skipped | break | noticed |"
    yield "|---|---|---|---|---|---|---|"
    for t in tests:
        measured = "".join(f"; {value} {name}" for name, value in t.get("measured", {}).items())
        yield (
            f"| `{t['module']}` | {t['shows']}{measured} "
            f"| {t['tests']} | {t['failed']} | {t['skipped']} | {t['break']} "
            f"| {'yes' if t['noticed'] else '**no**'} |"
        )


_SCENES_HEAD = "faces | exposed | seen when asked | longest, frames | missed target | break noticed"


def _all_scenes(scenes: list[dict[str, Any]]) -> Iterator[str]:
    """Yield a line for each mode."""
    if not scenes:
        return
    yield "\n## Scenes"
    yield "\nFaces that can be made out where nothing is redacted: see [scenes](scenes.md)."
    yield f"\n| mode | scenes | {_SCENES_HEAD} |"
    yield "|---" * 8 + "|"
    for mode in dict.fromkeys(each["mode"] for each in scenes):
        own = [each for each in scenes if each["mode"] == mode]
        faces = [each["faces"] for each in own]
        yield (
            f"| {mode} | {len(own)} | {sum(f['counted'] for f in faces)} "
            f"| {sum(f['exposed'] for f in faces)} | {sum(f['at_fault'] for f in faces)} "
            f"| {max(f['longest'] for f in faces)} | {sum(bool(each['unsafe']) for each in own)} "
            f"| {sum(each['noticed'] for each in own)} of {len(own)} |"
        )


def _scenes(scenes: list[dict[str, Any]]) -> Iterator[str]:
    """Yield a line for each scene."""
    if not scenes:
        return
    yield "\n## Scenes"
    yield f"\n| mode | scene | {_SCENES_HEAD} |"
    yield "|---" * 8 + "|"
    for each in scenes:
        f = each["faces"]
        yield (
            f"| {each['mode']} | {each['scene']} | {f['counted']} | {f['exposed']} "
            f"| {f['at_fault']} | {f['longest']} | {', '.join(each['unsafe']) or 'no'} "
            f"| {'yes' if each['noticed'] else '**no**'} |"
        )


def _attacks(attacks: list[dict[str, Any]]) -> Iterator[str]:
    if not attacks:
        return
    yield "\n## Attack"
    yield "\nRight name in % of pictures of 40 people; a safe effect stays below the limit:"
    yield "\n| effect | the attacker sees | 1-NN | PCA+LDA | linear SVM | limit |"
    yield "|---|---|---|---|---|---|"
    for a in attacks:
        for view in dict.fromkeys(rate["view"] for rate in a["rates"]):
            row = [f"{100 * r['rate']:.1f}" for r in a["rates"] if r["view"] == view]
            yield f"| {a['effect']} | {view} | {' | '.join(row)} | {100 * a['limit']:.1f} |"


def _best_attackers(attacks: list[dict[str, Any]]) -> Iterator[str]:
    if not attacks:
        return
    yield "\n## Attack"
    yield "\nRight name in % of pictures of 40 people; a safe effect stays below the limit."
    yield "Of each effect the attacker who does best:"
    yield "\n| effect | right, % | limit | attacker | sees |"
    yield "|---|---|---|---|---|"
    for a in attacks:
        best = max(a["rates"], key=lambda each: each["rate"])
        yield (
            f"| {a['effect']} | {100 * best['rate']:.1f} | {100 * a['limit']:.1f} "
            f"| {best['attacker']} | {best['view']} |"
        )


UNSAFE, FAILED, UNNOTICED, UNSTRUCK = "unsafe", "failed", "unnoticed", "hardly struck"
_IN_WORDS = {
    UNSAFE: "blurcam did what it must not",
    FAILED: "tests that fail on blurcam as it is",
    UNNOTICED: "blurcam was broken on purpose, and no check saw it",
    UNSTRUCK: "faults that did not strike, so that their rows show nothing",
}
_LONGEST_FINDING = 300


def wrong(proof: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield all that does not hold: what kind of finding it is, and the finding in words."""
    for f in _all_faults(proof):
        name = f"{f['path']}: {f['fault']}"
        if f["unsafe"]:
            others = len(f["unsafe"]) - 1
            more = f" (and at {others} more of {f['runs']} calls)" if others else ""
            yield UNSAFE, f["unsafe"][0][:_LONGEST_FINDING] + more
        if 2 * f["struck"] < f["runs"]:
            yield UNSTRUCK, f"{name}: struck in {f['struck']} of {f['runs']} runs only"
        if not f["noticed"]:
            yield UNNOTICED, f"{name}: {f['break']}"
    for t in proof.get("tests", ()):
        if t["failed"] or not t["tests"]:
            yield FAILED, f"{t['module']}: {t['failed']} of {t['tests']}"
        if not t["noticed"]:
            yield UNNOTICED, f"{t['module']}: {t['break']}"
    for s in proof.get("scenes", ()):
        name = f"{s['mode']}: {s['scene']}"
        yield from ((UNSAFE, f"{name}: {miss}") for miss in s["unsafe"])
        if not s["noticed"]:
            yield UNNOTICED, f"{name}: a broken frame loop"
    for a in proof.get("attacks", ()):
        for r in a["rates"]:
            if a["effect"] in SAFE and r["rate"] > a["limit"]:
                yield (
                    UNSAFE,
                    f"{a['effect']}: {r['attacker']}, {r['view']}: {100 * r['rate']:.1f} % named, "
                    f"where {100 * a['limit']:.1f} may be",
                )


def judgement(proof: dict[str, Any]) -> Iterator[str]:
    """Yield the lines at the end: how much of what is wrong, and each of it."""
    found = list(wrong(proof))
    rows = sum(len(proof.get(part, ())) for part in ("run", "paths", "tests", "scenes", "attacks"))
    yield f"{'The proof does NOT hold' if found else 'The proof holds'}: {rows} rows judged."
    for kind, means in _IN_WORDS.items():
        own = [text for each, text in found if each == kind]
        yield f"{kind}: {len(own)}" + (f" ({means})" if own else "")
        yield from (f"  {text}" for text in own)
