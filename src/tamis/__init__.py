"""Tamis: sift SFT data, calibrate RL questions, account for every row."""
