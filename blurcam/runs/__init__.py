"""From settings to objects: the only package that names a concrete source, detector or sink."""
