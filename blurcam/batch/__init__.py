"""Many recordings: a tree in, a redacted tree out, and a ledger of what became of each."""
