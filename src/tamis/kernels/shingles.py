# numba has no types
# mypy: disable-error-code="untyped-decorator,no-any-return,no-untyped-call,return-value"

"""Token shingles of many texts at once: MinHash sketches, and exact sets for true similarity.

A *text* here is a row of `Pieces`: byte ranges of up to four Arrow buffers, each led by a mark token
that says whose words they are. Its shingles are all windows of `width` tokens over the tokens padded
with `width - 1` blanks on either side, so that

- every text with a token has shingles, however short, and equal token sequences have equal shingles;
- texts of all lengths compare by one rule, without a border where `width` changes;
- changing one word of `n` different words costs exactly `width` shingles wherever it stands:
  similarity (n - 1) / (n - 1 + 2 * width).

Windows are hashed to 64 bits. The plain-Python twins are in `reference`.
"""

from __future__ import annotations

import numba as nb
import numpy as np
import numpy.typing as npt

from tamis.kernels.eights import TEXT
from tamis.kernels.machine import eight_bytes
from tamis.kernels.pieces import Pieces
from tamis.kernels.tokens import HASHES, hash_tokens, mix

WINDOW_STEP = 0x9E3779B97F4A7C15
BYTES_STEP = 0xD6E8FEB86659FD93
# the inner loop runs over whole vectors: a minimum does not mind a value seen twice
LANES = 32

_WINDOW_STEP = np.uint64(WINDOW_STEP)
_BYTES_STEP = np.uint64(BYTES_STEP)
_STEP_2, _STEP_3, _STEP_4 = (
    np.uint64(step) for step in (0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9)
)
_HALF = np.uint64(32)
_TOP = np.uint32(0xFFFFFFFF)


def _frozen(kind: nb.types.Type, axes: int = 1) -> nb.types.Array:
    return nb.types.Array(kind, axes, "C", readonly=True)


BUFFERS = nb.types.UniTuple(TEXT, 4)
_SOURCES = _frozen(nb.int8)
_PLACES = _frozen(nb.int64)
_MARKS = _frozen(nb.uint64)
_PERMUTATIONS = _frozen(nb.uint32, 2)
PIECES = nb.types.NamedTuple((BUFFERS, _SOURCES, _PLACES, _PLACES, _MARKS, _PLACES), Pieces)


@nb.njit(nb.uint64(TEXT, nb.int64, nb.int64, nb.uint64), cache=True, nogil=True)
def hash_bytes(text: npt.NDArray[np.uint8], start: int, end: int, seed: np.uint64) -> np.uint64:
    """A 64-bit hash of `text[start:end]` and its length, eight bytes a step."""
    value = mix(seed ^ np.uint64(end - start + 1))
    at = start
    # four chains side by side, because one waits for its own multiplications
    second, third, fourth = value ^ _STEP_2, value ^ _STEP_3, value ^ _STEP_4
    while at + 32 <= end:
        value = (value ^ eight_bytes(text, at)) * _BYTES_STEP
        second = (second ^ eight_bytes(text, at + 8)) * _BYTES_STEP
        third = (third ^ eight_bytes(text, at + 16)) * _BYTES_STEP
        fourth = (fourth ^ eight_bytes(text, at + 24)) * _BYTES_STEP
        value ^= value >> _HALF
        second ^= second >> _HALF
        third ^= third >> _HALF
        fourth ^= fourth >> _HALF
        at += 32
    value = mix(mix(mix(value ^ second) ^ third) ^ fourth)
    while at + 8 <= end:
        value = (value ^ eight_bytes(text, at)) * _BYTES_STEP
        value ^= value >> _HALF
        at += 8
    rest = np.uint64(0)
    while at < end:
        rest = (rest << np.uint64(8)) | np.uint64(text[at])
        at += 1
    return mix((value ^ rest) * _BYTES_STEP)


@nb.njit(nb.int64(HASHES, nb.int64, nb.int64, HASHES), cache=True, nogil=True)
def hash_windows(
    tokens: npt.NDArray[np.uint64], n: int, width: int, out: npt.NDArray[np.uint64]
) -> int:
    """Write the shingle hashes of `tokens[:n]` to `out`; returns their number, n + width - 1."""
    if n == 0:
        return 0
    leaving_step = np.uint64(1)
    for _ in range(width):
        leaving_step *= _WINDOW_STEP
    window = np.uint64(0)
    for at in range(n + width - 1):
        window *= _WINDOW_STEP
        if at < n:
            window += tokens[at]
        if at >= width:
            window -= tokens[at - width] * leaving_step
        spread = window ^ (window >> _HALF)
        spread *= _BYTES_STEP
        out[at] = spread ^ (spread >> _HALF)
    return n + width - 1


@nb.njit(nb.int64(PIECES, nb.int64, HASHES), cache=True, nogil=True)
def _row_tokens(pieces: Pieces, row: int, tokens: npt.NDArray[np.uint64]) -> int:
    """Write the tokens of a row with their marks; returns 0 when there is no token but marks."""
    n = 0
    n_marks = 0
    for piece in range(pieces.rows[row], pieces.rows[row + 1]):
        if pieces.marks[piece] != 0:
            tokens[n] = pieces.marks[piece]
            n += 1
            n_marks += 1
        text = pieces.buffers[pieces.source[piece]]
        n = hash_tokens(text, pieces.starts[piece], pieces.ends[piece], tokens, n)
    return n if n > n_marks else 0


@nb.njit(nb.int64(PIECES), cache=True, nogil=True)
def _longest_row(pieces: Pieces) -> int:
    """The most tokens a row can have: its bytes and its marks."""
    longest = 0
    for row in range(len(pieces.rows) - 1):
        size = 0
        for piece in range(pieces.rows[row], pieces.rows[row + 1]):
            size += pieces.ends[piece] - pieces.starts[piece] + 1
        longest = max(longest, size)
    return longest


@nb.njit(nb.types.UniTuple(nb.uint64, 2)(PIECES, nb.int64), cache=True, nogil=True)
def _hash_row(pieces: Pieces, row: int) -> tuple[np.uint64, int]:
    """Hash of the bytes of a row with their marks, and the number of bytes."""
    exact = np.uint64(0)
    n_bytes = np.uint64(0)
    for piece in range(pieces.rows[row], pieces.rows[row + 1]):
        start = pieces.starts[piece]
        end = pieces.ends[piece]
        n_bytes += np.uint64(end - start)
        seed = mix(exact ^ pieces.marks[piece])
        exact = hash_bytes(pieces.buffers[pieces.source[piece]], start, end, seed)
    return exact, n_bytes


@nb.njit(
    nb.void(HASHES, nb.int64, _PERMUTATIONS, nb.uint32[::1], nb.uint32[::1]),
    cache=True,
    nogil=True,
)
def _smallest(
    shingles: npt.NDArray[np.uint64],
    n: int,
    permutations: npt.NDArray[np.uint32],
    halves: npt.NDArray[np.uint32],
    out: npt.NDArray[np.uint32],
) -> None:
    """The least value of each permutation over the shingles: their MinHash signature."""
    padded = -(-n // LANES) * LANES
    for at in range(n):
        halves[at] = np.uint32(shingles[at] >> _HALF)
    for at in range(n, padded):
        halves[at] = halves[0]
    for permutation in range(permutations.shape[1]):
        factor = permutations[0, permutation]
        addend = permutations[1, permutation]
        least = _TOP
        for at in range(padded):
            least = min(least, np.uint32(factor * halves[at] + addend))
        out[permutation] = least


@nb.njit(
    nb.void(
        PIECES,
        nb.int64,
        _PERMUTATIONS,
        nb.uint64[:, ::1],
        nb.uint8[:, ::1],
        nb.uint64[:, ::1],
    ),
    cache=True,
    nogil=True,
)
def sketch_rows(  # noqa: PLR0917 - compiled functions take no keywords
    pieces: Pieces,
    width: int,
    permutations: npt.NDArray[np.uint32],
    bands: npt.NDArray[np.uint64],
    signature: npt.NDArray[np.uint8],
    identity: npt.NDArray[np.uint64],
) -> None:
    """Fill one sketch a row: band keys, low bytes of the signature, and who the row is.

    permutations: (2, n) uint32, factors and addends
    identity: (n_rows, 3) uint64: hash of the exact bytes (0 if the row has none), hash of the token
    sequence (0 if none), number of tokens.
    """
    longest = _longest_row(pieces)
    tokens = np.empty(longest, np.uint64)
    shingles = np.empty(longest + width, np.uint64)
    halves = np.empty(longest + width + LANES, np.uint32)
    least = np.empty(permutations.shape[1], np.uint32)
    n_bands = bands.shape[1]
    rows_per_band = permutations.shape[1] // n_bands
    bands[:] = 0
    signature[:] = 0
    identity[:] = 0
    for row in range(len(pieces.rows) - 1):
        exact, n_bytes = _hash_row(pieces, row)
        if n_bytes > 0:
            identity[row, 0] = exact | np.uint64(1)
        n = _row_tokens(pieces, row, tokens)
        if n == 0:
            continue
        words = np.uint64(n)
        for at in range(n):
            words = (words ^ tokens[at]) * _BYTES_STEP
            words ^= words >> _HALF
        identity[row, 1] = words | np.uint64(1)
        identity[row, 2] = n
        _smallest(shingles, hash_windows(tokens, n, width, shingles), permutations, halves, least)
        for band in range(n_bands):
            key = np.uint64(band + 1)
            for at in range(band * rows_per_band, (band + 1) * rows_per_band):
                key = mix(key ^ np.uint64(least[at]))
                signature[row, at] = np.uint8(least[at])
            bands[row, band] = key


@nb.njit(nb.int64(nb.int64), cache=True, nogil=True, inline="always")
def _table_size(n: int) -> int:
    """The power of two that is at least twice `n`."""
    size = 2
    while size < 2 * n:
        size *= 2
    return size


@nb.njit(nb.int64(HASHES, nb.int64, nb.uint64), cache=True, nogil=True, inline="always")
def _slot(table: npt.NDArray[np.uint64], size: int, value: np.uint64) -> int:
    """Where `value` is in the table of `size` slots, or the empty slot (0) where it would go."""
    # the low bits of a shingle are as good as any: it is a hash
    slot = np.int64(value & np.uint64(size - 1))
    while table[slot] != 0 and table[slot] != value:
        slot = (slot + 1) & (size - 1)
    return slot


@nb.njit(nb.types.Tuple((nb.int64[::1], HASHES))(PIECES, nb.int64), cache=True, nogil=True)
def shingle_sets(
    pieces: Pieces, width: int
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.uint64]]:
    """The set of shingles of each row, in the order of the text.

    Returns offsets: (n_rows + 1,) int64 and hashes: row r has `hashes[offsets[r]:offsets[r + 1]]`,
    none of them 0.
    """
    longest = _longest_row(pieces)
    tokens = np.empty(longest, np.uint64)
    shingles = np.empty(longest + width, np.uint64)
    table = np.empty(_table_size(longest + width), np.uint64)
    offsets = np.zeros(len(pieces.rows), np.int64)
    hashes = np.empty(1024, np.uint64)
    used = 0
    for row in range(len(pieces.rows) - 1):
        n_shingles = hash_windows(tokens, _row_tokens(pieces, row, tokens), width, shingles)
        if used + n_shingles > len(hashes):
            grown = np.empty(2 * (used + n_shingles), np.uint64)
            grown[:used] = hashes[:used]
            hashes = grown
        size = _table_size(n_shingles)
        table[:size] = 0
        for at in range(n_shingles):
            value = shingles[at]
            if value == 0:
                value = np.uint64(1)
            slot = _slot(table, size, value)
            if table[slot] == 0:
                table[slot] = value
                hashes[used] = value
                used += 1
        offsets[row + 1] = used
    return offsets, hashes[:used]


@nb.njit(nb.boolean(PIECES, nb.int64, PIECES, nb.int64), cache=True, nogil=True)
def _say_the_same(left: Pieces, left_row: int, right: Pieces, right_row: int) -> bool:
    first, other = left.rows[left_row], right.rows[right_row]
    n_pieces = left.rows[left_row + 1] - first
    if right.rows[right_row + 1] - other != n_pieces:
        return False
    n_bytes = 0
    for piece in range(n_pieces):
        a, b = first + piece, other + piece
        size = left.ends[a] - left.starts[a]
        if right.ends[b] - right.starts[b] != size or left.marks[a] != right.marks[b]:
            return False
        text, copy = left.buffers[left.source[a]], right.buffers[right.source[b]]
        start, begin = left.starts[a], right.starts[b]
        for at in range(size):
            if text[start + at] != copy[begin + at]:
                return False
        n_bytes += size
    return n_bytes > 0


@nb.njit(nb.boolean[::1](PIECES, PIECES, nb.int64[:, ::1]), cache=True, nogil=True)
def equal_rows(left: Pieces, right: Pieces, pairs: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
    """Whether rows hold the same bytes in the same pieces; rows without bytes equal nothing.

    pairs: (n_pairs, 2) int64, a row of `left` and a row of `right`
    """
    equal = np.zeros(len(pairs), np.bool_)
    for pair in range(len(pairs)):
        equal[pair] = _say_the_same(left, pairs[pair, 0], right, pairs[pair, 1])
    return equal


@nb.njit(nb.int64[:, ::1](_PLACES, _MARKS, _PLACES, _PLACES), cache=True, nogil=True)
def count_shared(
    offsets: npt.NDArray[np.int64],
    hashes: npt.NDArray[np.uint64],
    left: npt.NDArray[np.int64],
    right: npt.NDArray[np.int64],
) -> npt.NDArray[np.int64]:
    """For each pair of rows: shingles in both sets and in either; (n_pairs, 2) int64.

    Quickest when pairs with the same `left` follow each other.
    """
    counts = np.empty((len(left), 2), np.int64)
    largest = 0
    for row in range(len(offsets) - 1):
        largest = max(largest, offsets[row + 1] - offsets[row])
    table = np.empty(_table_size(largest), np.uint64)
    size = 0
    known = -1
    for pair in range(len(left)):
        start = offsets[left[pair]]
        end = offsets[left[pair] + 1]
        if left[pair] != known:
            known = left[pair]
            size = _table_size(end - start)
            table[:size] = 0
            for at in range(start, end):
                table[_slot(table, size, hashes[at])] = hashes[at]
        shared = 0
        for at in range(offsets[right[pair]], offsets[right[pair] + 1]):
            shared += table[_slot(table, size, hashes[at])] != 0
        counts[pair, 0] = shared
        n_right = offsets[right[pair] + 1] - offsets[right[pair]]
        counts[pair, 1] = (end - start) + n_right - shared
    return counts
