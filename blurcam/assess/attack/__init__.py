"""The attack on an effect: how many people can a machine name that trains on redacted video."""
