"""Face detectors, one file each; each is the only importer of its runtime."""
