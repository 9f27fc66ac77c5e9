"""What every run stands on: threads, clock, counts, back-off, stop, status, no core dump."""
