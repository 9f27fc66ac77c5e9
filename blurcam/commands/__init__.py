"""The commands, one file a kind of work: parse, build settings, call; nothing else."""
