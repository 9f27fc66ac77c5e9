"""A box of cameras: one process a camera, their supervisor, health, systemd, and the page."""
