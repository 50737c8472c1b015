# numba has no types
# mypy: disable-error-code="untyped-decorator,no-any-return,no-untyped-call"

"""Classes of equal rows, and the greedy choice of rows that are not near a row chosen before."""

from __future__ import annotations

import numba as nb
import numpy as np
import numpy.typing as npt

_PLACES = nb.types.Array(nb.int64, 1, "C", readonly=True)
_NUMBERS = nb.types.Array(nb.float64, 1, "C", readonly=True)

Places = npt.NDArray[np.int64]


@nb.njit(nb.int64[::1](nb.int64, _PLACES, _PLACES), cache=True, nogil=True)
def classes(n: int, left: Places, right: Places) -> Places:
    """(n,) int64: the smallest member of each row's class, where paired rows are in one class.

    For equality only, which is transitive; nearness is not.
    """
    parent = np.arange(n)
    for pair in range(len(left)):
        a = left[pair]
        b = right[pair]
        while parent[a] != a:
            parent[a] = parent[parent[a]]
            a = parent[a]
        while parent[b] != b:
            parent[b] = parent[parent[b]]
            b = parent[b]
        parent[max(a, b)] = min(a, b)
    for row in range(n):
        parent[row] = parent[parent[row]]
    return parent


@nb.njit(
    nb.int64[::1](_PLACES, _PLACES, _PLACES, _PLACES, _NUMBERS, _PLACES), cache=True, nogil=True
)
def nearest_kept(  # noqa: PLR0917 - compiled functions take no keywords
    order: Places,
    first_pair: Places,
    other: Places,
    pair_at: Places,
    similarity: npt.NDArray[np.float64],
    tie_rank: Places,
) -> Places:
    """Walk rows in `order`; a row is kept unless one of its neighbours was kept before it.

    order:      (m,) int64, rows, best first; rows not in it take no part
    first_pair: (n + 1,) int64, neighbours of row r are `other[first_pair[r]:first_pair[r + 1]]`
    pair_at:    index into `similarity` of each neighbour
    tie_rank:   (n,) int64, the smaller wins between equally similar rows
    Returns (n,) int64: -1 for a kept row, else the place in `other` of its most similar kept
    neighbour; rows outside `order` get -1.
    """
    n = len(first_pair) - 1
    is_kept = np.zeros(n, np.bool_)
    peer = np.full(n, -1, np.int64)
    for row in order:
        best = -1
        for place in range(first_pair[row], first_pair[row + 1]):
            if not is_kept[other[place]]:
                continue
            if best < 0:
                best = place
                continue
            here = similarity[pair_at[place]]
            there = similarity[pair_at[best]]
            is_tie = here == there and tie_rank[other[place]] < tie_rank[other[best]]
            if here > there or is_tie:
                best = place
        peer[row] = best
        is_kept[row] = best < 0
    return peer
