"""Answers that models gave, with their scores."""
