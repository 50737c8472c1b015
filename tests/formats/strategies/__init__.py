"""Hypothesis strategies: clean rows of every writable format."""
