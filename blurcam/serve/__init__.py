"""Many cameras on one machine: a process for each, their supervisor, health, systemd, the page."""
