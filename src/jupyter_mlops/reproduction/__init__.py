"""Reproducing a run in a clean place, and the signed evidence of how that went."""
