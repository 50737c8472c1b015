"""Conversations: turns under many names, pairs of question and answer, and texts."""
