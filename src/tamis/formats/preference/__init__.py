"""Answers that were compared, ranked or liked."""
