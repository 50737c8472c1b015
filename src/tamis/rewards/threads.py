"""Work that blocks, in threads beside the event loop, results in order."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

Found = TypeVar("Found")


async def in_threads(
    work: Callable[..., Found], arguments: Sequence[tuple[Any, ...]], *, n_threads: int
) -> list[Found]:
    """`work(*arguments[i])` for each i, in its order."""
    loop = asyncio.get_running_loop()
    pool = ThreadPoolExecutor(n_threads)
    try:
        runs = [loop.run_in_executor(pool, work, *given) for given in arguments]
        return list(await asyncio.gather(*runs))
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
