"""The attack on an effect: whom a machine can name that trains on the redacted video."""
