"""The report of a job, for whoever answers for it: what was done, and what to look at first."""
