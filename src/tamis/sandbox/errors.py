"""What the sandbox raises: its own failures, never those of the code it runs."""

from __future__ import annotations

from tamis.errors import RewardError


class SandboxError(RewardError):
    """The sandbox itself failed or is not available here. Never a verdict on the code that was to run."""
