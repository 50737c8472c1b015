"""Rewards in the calling conventions of trainers, one module for each; no trainer is imported.

Exported folders hold a `reward.py` of a few lines on top of these; a script of your own may use them as well.
"""
