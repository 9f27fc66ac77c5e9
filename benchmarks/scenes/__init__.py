"""Drawn scenes in which the place of every face is known, and what blurcam leaves exposed of them.

``python -m benchmarks.scenes`` runs the product's own command over each and judges the file that it
wrote with another decoder. docs/design/scenes.md says how, and has the table.
"""

import sys
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parent.parent.parent
BUILD: Final = ROOT / "build" / "scenes"

# The people and the backgrounds of the sample videos are modules of scripts.
sys.path.append(str(ROOT / "sample_videos"))
