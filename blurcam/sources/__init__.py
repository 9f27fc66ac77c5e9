"""Where frames come from; with ``encoding`` and ``sinks`` the only importers of PyAV."""
