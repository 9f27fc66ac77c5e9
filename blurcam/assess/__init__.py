"""How well blurcam works: evaluate, verify, attack, check."""
