"""Rewards over HTTP: batches of answers in, scores out. Needs the extra `app`."""
