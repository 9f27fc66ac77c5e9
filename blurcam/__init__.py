"""Finds the faces in CCTV footage and blurs them before anything is stored or forwarded."""

from blurcam.api import redact_frames, run
from blurcam.runs.summary import Summary
from blurcam.settings.recording import Config
from blurcam.settings.redaction import Cover, Detect, Encode

__version__ = "0.1.0"

__all__ = [
    "Config",
    "Cover",
    "Detect",
    "Encode",
    "Summary",
    "__version__",
    "redact_frames",
    "run",
]
