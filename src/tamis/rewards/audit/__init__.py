"""Attacks and honest answers to try on a reward, and what came of them."""
