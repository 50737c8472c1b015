"""How many sandboxes a reward may keep busy: a worker process is one of many, and takes one."""

from __future__ import annotations

import multiprocessing
from typing import Any, cast

import msgspec

from tamis.rewards import Reward


def in_one_lane(reward: Reward) -> Reward:
    """The reward, running code on one core where this process is one of several workers.

    Unless its parameters say how many `lanes` it takes. In a process that works alone it takes every core.
    """
    is_worker = multiprocessing.parent_process() is not None
    if is_worker and getattr(reward, "lanes", 1) is None:
        return cast(Reward, msgspec.structs.replace(cast(Any, reward), lanes=1))
    return reward
