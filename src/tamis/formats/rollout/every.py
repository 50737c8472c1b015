"""All formats of rollouts, in the order detection asks them."""

from __future__ import annotations

from tamis.formats.base import Format
from tamis.formats.rollout import model_rollouts, plain_rollouts, trainer_logs

ROLLOUTS: tuple[Format, ...] = (
    model_rollouts.FORMAT,
    *trainer_logs.FORMATS,
    plain_rollouts.FORMAT,
)
