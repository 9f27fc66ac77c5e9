"""``python -m blurcam`` is the same as ``blurcam``."""

from blurcam.cli import main

main()
