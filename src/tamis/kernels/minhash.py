# numba has no types
# mypy: disable-error-code="untyped-decorator,no-any-return,no-untyped-call"

"""MinHash sketches with a promised recall, and the pairs of rows that share a band.

A band agrees with probability J**rows for a pair of true similarity J, so one of `bands` agrees with
1 - (1 - J**rows)**bands. `plan_bands` computes the longest bands that keep `RECALL` at the threshold:
longer bands let fewer strangers through, and the count of permutations is what a sketch costs.
"""

from __future__ import annotations

import math
from functools import cache
from typing import NamedTuple

import numba as nb
import numpy as np
import numpy.typing as npt

from tamis.kernels.pieces import Pieces
from tamis.kernels.shingles import sketch_rows

# The promise is 99 %. Planned a little above, for what the estimate below may lose and for luck.
RECALL = 0.995
MAX_PERMUTATIONS = 80
# Share of pairs at the threshold that the estimate from whole signatures may turn away.
_ESTIMATE_LOSS = 5e-4
# A crowd: so many different texts share a band that all pairs would be too many (see `band_pairs`).
_CROWD_PAIRS = 1 << 17
_CROWD_LINKS = 8


class Bands(NamedTuple):
    """How signatures are cut: `n` bands of `rows` permutations, and matches a pair must show."""

    n: int
    rows: int
    least_matches: int

    @property
    def permutations(self) -> int:
        """Length of a signature."""
        return self.n * self.rows


@cache
def plan_bands(threshold: float) -> Bands:
    """Bands that find a pair at `threshold` with probability `RECALL`, by computation.

    threshold: similarity in (0, 1]; at 1 one band would do, and a few are planned all the same.
    """
    rows = 1
    n = 1
    for wider in range(1, MAX_PERMUTATIONS + 1):
        agree = min(threshold**wider, 1 - 1e-9)
        needed = max(math.ceil(math.log(1 - RECALL) / math.log1p(-agree)), 2)
        if wider > 1 and needed * wider > MAX_PERMUTATIONS:
            break
        rows, n = wider, needed
    return Bands(n=n, rows=rows, least_matches=_least_matches(n * rows, threshold))


def _least_matches(n: int, threshold: float) -> int:
    """The most matches to ask for while turning away at most `_ESTIMATE_LOSS` of true pairs."""
    below = 0.0
    for matches in range(n + 1):
        below += math.comb(n, matches) * threshold**matches * (1 - threshold) ** (n - matches)
        if below > _ESTIMATE_LOSS:
            return matches
    return n


@cache
def permutations(n: int) -> npt.NDArray[np.uint32]:
    """(2, n) uint32: odd factors and addends of `n` fixed permutations, x -> factor * x + addend."""
    drawn = np.random.Generator(np.random.PCG64(20)).integers(0, 1 << 32, (2, n), dtype=np.uint32)
    drawn[0] |= np.uint32(1)
    return drawn


class Sketches(NamedTuple):
    """Sketches of rows. A row without a token has `words` 0 and takes no part in any band.

    bands:     (n_rows, bands) uint64, equal keys mean an agreeing band
    signature: (n_rows, permutations) uint8, the low bytes of the least values
    exact:     (n_rows,) uint64, hash of the bytes with their marks; 0 if there are none
    words:     (n_rows,) uint64, hash of the token sequence; 0 if there is none
    n_tokens:  (n_rows,) int64
    """

    bands: npt.NDArray[np.uint64]
    signature: npt.NDArray[np.uint8]
    exact: npt.NDArray[np.uint64]
    words: npt.NDArray[np.uint64]
    n_tokens: npt.NDArray[np.int64]


def sketch(pieces: Pieces, plan: Bands, width: int) -> Sketches:
    """Sketch each row of `pieces` by its shingles of `width` tokens."""
    n_rows = len(pieces.rows) - 1
    bands = np.empty((n_rows, plan.n), np.uint64)
    signature = np.empty((n_rows, plan.permutations), np.uint8)
    identity = np.empty((n_rows, 3), np.uint64)
    sketch_rows(pieces, width, permutations(plan.permutations), bands, signature, identity)
    exact, words, n_tokens = identity.T.copy()
    return Sketches(bands, signature, exact, words, n_tokens.astype(np.int64))


@nb.njit(
    nb.int64[:, ::1](
        nb.uint64[::1],
        nb.int64[::1],
        nb.types.Array(nb.uint8, 2, "C", readonly=True),
        nb.int64,
        nb.int64,
        nb.int64,
    ),
    cache=True,
    nogil=True,
)
def band_pairs(  # noqa: PLR0917 - compiled functions take no keywords
    keys: npt.NDArray[np.uint64],
    order: npt.NDArray[np.int64],
    signature: npt.NDArray[np.uint8],
    least_matches: int,
    crowd_pairs: int,
    crowd_links: int,
) -> npt.NDArray[np.int64]:
    """Pairs of rows with equal `keys` whose signatures agree in `least_matches` places.

    order: (n,) int64, rows sorted by key; keys: their sorted keys. Within a bucket of m rows each row
    is compared with the next max(crowd_links, crowd_pairs // m): all of them unless m is large.
    Returns (n_pairs, 2) int64, left < right.
    """
    found = np.empty((1024, 2), np.int64)
    n_found = 0
    first = 0
    while first < len(order):
        last = first + 1
        while last < len(order) and keys[last] == keys[first]:
            last += 1
        links = max(crowd_links, crowd_pairs // (last - first))
        for at in range(first, last):
            for other in range(at + 1, min(last, at + 1 + links)):
                a = order[at]
                b = order[other]
                matches = 0
                for place in range(signature.shape[1]):
                    matches += signature[a, place] == signature[b, place]
                if matches < least_matches:
                    continue
                if n_found == len(found):
                    grown = np.empty((2 * n_found, 2), np.int64)
                    grown[:n_found] = found
                    found = grown
                found[n_found, 0] = min(a, b)
                found[n_found, 1] = max(a, b)
                n_found += 1
        first = last
    return found[:n_found].copy()


def candidate_pairs(
    bands: npt.NDArray[np.uint64],
    signature: npt.NDArray[np.uint8],
    tie_break: npt.NDArray[np.uint64],
    least_matches: int,
) -> npt.NDArray[np.int64]:
    """All pairs of rows that share a band, once each, sorted; (n_pairs, 2) int64.

    In a band shared by more than about 360 different texts each is compared with its neighbours in an
    order by the next bands, which lie close when texts are close; ties by `tie_break`. So a crowd of
    m costs m times a bound, not m * m, and may keep a few near pairs that were never compared.
    """
    n_rows, n_bands = bands.shape
    found = []
    for band in range(n_bands):
        own = np.ascontiguousarray(bands[:, band])
        # the order within a bucket does not matter: without a crowd all its pairs are compared
        order = np.argsort(own).astype(np.int64, copy=False)
        keys = own[order]
        if _has_crowd(keys):
            rotated = [np.roll(bands, -band, axis=1)[:, at] for at in range(min(4, n_bands))]
            order = np.lexsort((tie_break, *reversed(rotated))).astype(np.int64)
            keys = bands[order, band]
        found.append(band_pairs(keys, order, signature, least_matches, _CROWD_PAIRS, _CROWD_LINKS))
    pairs = np.concatenate(found) if found else np.empty((0, 2), np.int64)
    unique = np.unique(pairs[:, 0] * np.int64(n_rows) + pairs[:, 1])
    return np.stack([unique // max(n_rows, 1), unique % max(n_rows, 1)], axis=1)


def _has_crowd(keys: npt.NDArray[np.uint64]) -> bool:
    limit = math.isqrt(_CROWD_PAIRS)
    return len(keys) > limit and bool((keys[limit:] == keys[:-limit]).any())
