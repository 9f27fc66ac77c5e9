"""What can be asked for, with its defaults: frozen and checked."""
