"""Near-duplicate search beside its peers: speed on one core, recall and precision on planted pairs.

    python benchmarks/dedup.py [--small]

Speed: the same texts in memory to clusters, at the same threshold, in one process on one core, each
library by its own fastest documented way; peers get word 5-grams made by `str.split`. Least of the
rounds. Quality: pairs of token lists edited until their similarity, computed by a plain set function
that shares nothing with the kernels, falls in a step; each pair stands alone among thousands.
"""

from __future__ import annotations

import argparse
import math
import os
import random
import time
from collections.abc import Callable

import numpy as np
import pyarrow as pa
from trial import markdown, write_results

WIDTH = 5
THRESHOLD = 0.8
SHORT = 50
STEPS = [0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95, 1.0]
LETTERS = "etaoinshrdlucmfwypvbgkjqxz"


def make_words(rng: random.Random, n: int) -> list[str]:
    """Made-up words with the lengths of English ones."""
    lengths = [1, 2, 2, 3, 3, 3, 4, 4, 4, 5, 5, 6, 6, 7, 8, 9, 10]
    return sorted({"".join(rng.choices(LETTERS, k=rng.choice(lengths))) for _ in range(n)})


def edited(rng: random.Random, words: list[str], share: float, vocabulary: list[str]) -> list[str]:
    """The words with about `share` of them replaced, dropped or doubled."""
    out: list[str] = []
    for word in words:
        if rng.random() >= share:
            out.append(word)
            continue
        edit = rng.random()
        if edit < 0.6:
            out.append(rng.choice(vocabulary))
        elif edit < 0.8:
            out += [word, rng.choice(vocabulary)]
    return out


def true_similarity(left: list[str], right: list[str]) -> float:
    """Jaccard similarity of padded 5-word windows, by plain sets of tuples."""

    def windows(words: list[str]) -> set[tuple[str, ...]]:
        padded = ["^"] * (WIDTH - 1) + words + ["$"] * (WIDTH - 1)
        return set(zip(*(padded[at:] for at in range(WIDTH)), strict=False))

    a, b = windows(left), windows(right)
    return len(a & b) / len(a | b)


# --- quality -----------------------------------------------------------------------------------


def planted_pairs(
    rng: random.Random, per_step: int, vocabulary: list[str]
) -> dict[float, list[tuple[list[str], list[str]]]]:
    """For each step s, pairs with similarity in [s, s + 0.05), a third of them short texts.

    Words are replaced one after the other until the similarity would fall below the step.
    """
    found: dict[float, list[tuple[list[str], list[str]]]] = {step: [] for step in STEPS}
    for step, pairs in found.items():
        # one changed word costs `WIDTH` windows: below this length no pair can be at the step
        shortest = 1 if step == 1.0 else math.ceil((1 + 2 * WIDTH * step) / (1 - step)) - 1
        while len(pairs) < per_step:
            is_short = len(pairs) % 3 == 0
            longest = max(12, 2 * shortest)
            n = rng.randint(shortest, longest) if is_short else rng.randint(longest, longest + 200)
            left = rng.choices(vocabulary, k=n)
            right = spoiled(rng, left, step, vocabulary)
            if step <= true_similarity(left, right) < step + 0.05:
                pairs.append((left, right))
    return found


def spoiled(rng: random.Random, words: list[str], step: float, vocabulary: list[str]) -> list[str]:
    """`words` edited (replaced, dropped, inserted) as far as their similarity stays above `step`."""
    best = [*words]
    if step == 1.0:
        return best
    # how many scattered edits bring the similarity to the step, a little under-estimated
    n_edits = int(len(words) * (1 - step) / (1 + step) / WIDTH)
    for at in rng.sample(range(len(best)), k=min(n_edits, len(best))):
        best[at] = rng.choice(vocabulary)
    while True:
        trial = [*best]
        at = rng.randrange(len(trial))
        edit = rng.randrange(3)
        trial[at : at + (edit != 0)] = [] if edit == 1 else [rng.choice(vocabulary)]
        if not trial or true_similarity(words, trial) < step:
            return best
        best = trial


def measure_quality(
    rng: random.Random, per_step: int, vocabulary: list[str]
) -> list[dict[str, float]]:
    """Recall by step at a threshold equal to the step's lower end, and precision at it."""
    from tamis.kernels import minhash, shingles
    from tamis.kernels.pieces import from_strings

    planted = planted_pairs(rng, per_step, vocabulary)
    truth = {step: [true_similarity(*pair) for pair in pairs] for step, pairs in planted.items()}
    report = []
    for threshold in (0.5, 0.6, 0.7, THRESHOLD, 0.9):
        plan = minhash.plan_bands(threshold)
        for step, pairs in planted.items():
            words = [side for pair in pairs for side in pair]
            pieces = from_strings(pa.array([" ".join(side) for side in words]))
            made = minhash.sketch(pieces, plan, WIDTH)
            near = minhash.candidate_pairs(
                made.bands, made.signature, made.words, plan.least_matches
            )
            offsets, hashes = shingles.shingle_sets(pieces, WIDTH)
            left, right = near[:, 0].copy(), near[:, 1].copy()
            counts = shingles.count_shared(offsets, hashes, left, right)
            passing = counts[:, 0] / counts[:, 1].clip(1) >= threshold
            found = {(int(a), int(b)) for a, b in near[passing].tolist()}
            wanted = {(2 * at, 2 * at + 1) for at, s in enumerate(truth[step]) if s >= threshold}
            # pairs of one plant are known; any other pair found must be measured
            false = [
                pair
                for pair in found - wanted
                if true_similarity(words[pair[0]], words[pair[1]]) < threshold
            ]
            shorts = [at for at, pair in enumerate(pairs) if min(map(len, pair)) < SHORT]
            short_wanted = wanted & {(2 * at, 2 * at + 1) for at in shorts}
            report.append(
                {
                    "threshold": threshold,
                    "step": step,
                    "pairs": len(pairs),
                    "within": len(wanted),
                    "found": len(found & wanted),
                    "short_within": len(short_wanted),
                    "short_found": len(found & short_wanted),
                    "false": len(false),
                }
            )
    return report


# --- speed -------------------------------------------------------------------------------------


def make_texts(rng: random.Random, n: int, vocabulary: list[str]) -> list[str]:
    """Texts of 20 to 600 words, a fifth of them edited copies of an earlier one."""
    weights = [1 / (rank + 3) for rank in range(len(vocabulary))]
    made: list[list[str]] = []
    for _ in range(n):
        if made and rng.random() < 0.2:
            made.append(edited(rng, rng.choice(made), rng.choice([0, 0.01, 0.05]), vocabulary))
        else:
            made.append(rng.choices(vocabulary, weights, k=rng.randint(20, 600)))
    return [" ".join(words) for words in made]


def ours(texts: list[str]) -> int:
    """The Select itself, from Arrow conversations to decisions, similarities verified."""
    from tamis.schema import MESSAGES, PAIRS
    from tamis.selects.near_duplicates import NearDuplicates

    messages = pa.array([[{"role": "user", "content": text}] for text in texts], MESSAGES)
    ids = pa.array([f"r{at:08d}" for at in range(len(texts))])
    batch = pa.record_batch({"id": ids, "messages": messages})
    started = time.process_time()
    op = NearDuplicates(threshold=THRESHOLD)
    sketch = pa.Table.from_batches([op.sketch(batch)])
    pairs = op.candidates(sketch)
    # as the engine does: `verify` is given only the rows that some pair names
    ends = [pairs.column(side).to_numpy() for side in ("left", "right")]
    rows = np.unique(np.concatenate(ends))
    table = pa.Table.from_batches([batch.take(pa.array(rows))])
    local = [pa.array(np.searchsorted(rows, end)) for end in ends]
    unknown = [pairs.column(name).combine_chunks() for name in ("similarity", "evidence")]
    checked = op.verify(pa.RecordBatch.from_arrays([*local, *unknown], schema=PAIRS), table)
    ordinals = [pa.array(rows[checked.column(side).to_numpy()]) for side in ("left", "right")]
    evidence = [checked.column(name) for name in ("similarity", "evidence")]
    verified = pa.Table.from_arrays([*ordinals, *evidence], schema=PAIRS)
    decisions = op.decide(sketch, verified)
    ours.seconds = time.process_time() - started  # type: ignore[attr-defined]
    return sum(1 for copies in decisions["copies"].to_pylist() if copies == 0)


def grams(text: str) -> list[str]:
    """Word 5-grams as strings; the whole text when it is shorter."""
    words = text.split()
    return [" ".join(words[at : at + WIDTH]) for at in range(max(1, len(words) - WIDTH + 1))]


def with_datasketch(texts: list[str]) -> int:
    """datasketch's MinHash in bulk and its LSH, 128 permutations."""
    from datasketch import MinHash, MinHashLSH

    encoded = [[gram.encode() for gram in set(grams(text))] for text in texts]
    signatures = MinHash.bulk(encoded, num_perm=128)
    index = MinHashLSH(threshold=THRESHOLD, num_perm=128)
    duplicates = 0
    for at, signature in enumerate(signatures):
        duplicates += bool(index.query(signature))
        index.insert(at, signature)
    return duplicates


def with_rensa(texts: list[str]) -> int:
    """rensa's matrix of R-MinHash digests and its one-shot LSH, 128 permutations."""
    from rensa import RMinHash, RMinHashLSH

    matrix = RMinHash.digest_matrix_from_token_sets([grams(text) for text in texts], 128, 42)
    index = RMinHashLSH(THRESHOLD, 128, 16)
    return sum(index.query_duplicate_flags_matrix_one_shot(matrix))


def least_seconds(
    run: Callable[[list[str]], int], texts: list[str], rounds: int
) -> tuple[float, int]:
    """Processor seconds of the fastest round, and the duplicates it flagged."""
    least, flagged = float("inf"), 0
    for _ in range(rounds):
        started = time.process_time()
        flagged = run(texts)
        seconds = time.process_time() - started
        least = min(least, getattr(run, "seconds", seconds))
    return least, flagged


def measure_speed(
    rng: random.Random, n: int, vocabulary: list[str]
) -> list[dict[str, float | str]]:
    """Texts a second and megabytes a second of each library, and ours as a multiple."""
    texts = make_texts(rng, n, vocabulary)
    ours(texts[:50])
    rows: list[dict[str, float | str]] = []
    for name, run, count, rounds in (
        ("tamis", ours, n, 5),
        ("rensa", with_rensa, n, 3),
        ("datasketch", with_datasketch, n // 5, 2),
    ):
        part = texts[:count]
        seconds, flagged = least_seconds(run, part, rounds)
        size = sum(map(len, part)) / 1e6
        rate = {"texts_per_s": count / seconds, "mb_per_s": size / seconds}
        rows.append({"name": name, "texts": count, "flagged": flagged, "seconds": seconds, **rate})
    for row in rows:
        row["tamis_is_times"] = float(rows[0]["mb_per_s"]) / float(row["mb_per_s"])
    return rows


SPEED_COLUMNS = ["library", "texts", "MB/s", "texts/s", "flagged", "tamis is", "goal", "result"]
QUALITY_COLUMNS = [
    "threshold",
    "similarity",
    "pairs",
    "at the threshold or above",
    "found",
    "recall",
    "found of short texts",
    "found below the threshold",
]
GOALS = {"rensa": 8, "datasketch": 50}


def speed_line(row: dict[str, float | str]) -> list[str]:
    """One library, for the table."""
    name, times = str(row["name"]), float(row["tamis_is_times"])
    goal = GOALS.get(name)
    return [
        name,
        f"{row['texts']:,}",
        f"{row['mb_per_s']:.1f}",
        f"{row['texts_per_s']:,.0f}",
        f"{row['flagged']:,}",
        f"{times:.1f} ×",
        "" if goal is None else f"at least {goal} ×",
        "" if goal is None else "reached" if times >= goal else "not reached",
    ]


def quality_line(line: dict[str, float]) -> list[str]:
    """One step of similarity at one threshold, for the table."""
    return [
        f"{line['threshold']:g}",
        f"{line['step']:.2f}",
        f"{line['pairs']:,}",
        f"{line['within']:,}",
        f"{line['found']:,}",
        f"{line['found'] / line['within']:.2%}" if line["within"] else "",
        f"{line['short_found']:,} of {line['short_within']:,}",
        f"{line['false']:,}",
    ]


def main() -> None:
    """Run both halves, print them and write the results."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--small", action="store_true", help="a quick trial, not for publication")
    small = parser.parse_args().small
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    rng = random.Random(7)
    vocabulary = make_words(rng, 20_000)
    speed = measure_speed(rng, 2_000 if small else 20_000, vocabulary)
    quality = measure_quality(rng, 200 if small else 2_000, vocabulary)
    lines = [speed_line(row) for row in speed]
    steps = [quality_line(line) for line in quality]
    if small:
        print(markdown(SPEED_COLUMNS, lines), markdown(QUALITY_COLUMNS, steps), sep="\n\n")
        return
    about_speed, about_quality = __doc__.split("\n\n")[2].split(" Quality: ")
    write_results(
        "dedup-speed",
        f"Near-duplicates at {THRESHOLD}: texts in memory to clusters, one core",
        about_speed,
        {"columns": SPEED_COLUMNS, "rows": lines},
        speed,
    )
    write_results(
        "dedup-quality",
        "Near-duplicates: recall and precision on planted pairs",
        about_quality[0].upper() + about_quality[1:],
        {"columns": QUALITY_COLUMNS, "rows": steps},
        quality,
    )


if __name__ == "__main__":
    main()
