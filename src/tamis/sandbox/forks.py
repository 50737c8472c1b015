"""Forks of the trusted parent wait while it hands descriptors over.

A copy of one in a forked process (a data loader's worker, say) would keep open what has to be seen closing: a run,
or the start of a fork server, would then hang for as long as that process lives.
"""

from __future__ import annotations

import os
import threading

forks_wait = threading.RLock()
"""Held while a descriptor is open that must not be copied; re-entrant, for signal handlers that fork."""

os.register_at_fork(
    before=forks_wait.acquire,
    after_in_parent=forks_wait.release,
    after_in_child=forks_wait.release,
)
