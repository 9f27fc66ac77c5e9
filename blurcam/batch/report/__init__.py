"""The report of a job: what was done, and which recordings somebody should look at first."""
