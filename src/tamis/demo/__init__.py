"""The demo's own material: clean bilingual conversations, faults planted into them, questions.

Nothing here knows the checks: a fault is an edit of a clean row, noted in `planted.json`.
"""
