"""Run hostile model-written Python in a sandbox, and judge what it claims from outside."""
