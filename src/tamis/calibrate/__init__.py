"""Calibration: how often a model solves each question, with what certainty, and which to keep."""
