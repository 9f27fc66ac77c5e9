"""blurcam with a loop that loses every face between searches: of eight frames seven go out bare.

python -m tests.support.broken_loop run IN OUT
"""

from __future__ import annotations

from typing import Any

from tests.proof.joints import STAGES, Strike, wrap

_SEARCHED_EVERY = 8


def break_the_loop() -> None:
    """Have a face covered only on every eighth frame."""
    from blurcam.media.regions import Coverage

    def around(original: Strike, frame: Any, coverage: Any, effect: Any) -> Any:
        is_lost = frame.seq % _SEARCHED_EVERY != 0
        return original(frame, Coverage(frame.seq, ()) if is_lost else coverage, effect)

    stage = STAGES["redact"]
    assert isinstance(stage, str)
    wrap(stage, around)


if __name__ == "__main__":
    from blurcam.cli import main

    break_the_loop()
    main()
