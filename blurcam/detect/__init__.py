"""Where faces are: the frame loop, the search of one frame, motion, profiles, detectors."""
