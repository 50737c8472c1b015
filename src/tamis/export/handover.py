"""A folder that a trainer loads: rows, config, script, reward, card, and what was verified of it."""

from __future__ import annotations

import glob
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import msgspec

from tamis.errors import InputError, RecipeError, StoreError
from tamis.export.card import RunFacts, card
from tamis.export.flatten import WAYS
from tamis.export.handed import Handed
from tamis.export.parts import Part, PartDone, join_files, n_chosen, put_together, write_part
from tamis.export.proof import Proof, ProofError, prove
from tamis.export.rows_out import Chosen
from tamis.export.targets import get_target
from tamis.export.targets.base import Handover, Target
from tamis.export.verify import Replayed, Verified
from tamis.export.verify_page import page
from tamis.formats.write import replacing, umask
from tamis.schema import Kind
from tamis.text.tokenizer import load_tokenizer

ROWS_FILE = "rows.jsonl"
FLATTENED_FILE = "flattened.jsonl"
# What an earlier export of other rows may have left, beside what stands there anew.
_WRITTEN = frozenset([FLATTENED_FILE, "reward.py", "dataset.py", "prompts.py", "grader.json"])
# the end of a name that `mkdtemp` makes, and of the same put aside
_OURS = re.compile(r"[a-z0-9_]{8}(-old)?")
InParallel = Callable[[Callable[[Part], PartDone], Sequence[Part]], Iterator[PartDone]]


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """What the user asked for: the trainer, the model to train, the tokenizer to count with, the limits.

    `python` is the interpreter that has the trainer, whose own loader then looks at the folder.
    """

    target: str
    model: str | None = None
    tokenizer: str | None = None
    max_tokens: int = 4096
    flatten: tuple[str, ...] = ()
    python: str | None = None


def check_wanted(wanted: Wanted) -> Target:
    """The trainer that was asked for; RecipeError for a name, a way or a limit there is not."""
    target = get_target(wanted.target)
    for way in wanted.flatten:
        if way not in WAYS:
            raise RecipeError(f"--flatten {way}: expected one of {', '.join(WAYS)}")
    for option, name in (("--model", wanted.model), ("--tokenizer", wanted.tokenizer)):
        if name is not None and not name.isprintable():
            raise RecipeError(
                f"{option} {name!a}: expected a name or a path without control characters"
            )
    if wanted.max_tokens < 1:
        raise RecipeError(f"--max-tokens {wanted.max_tokens}: expected 1 or more")
    return target


def hand_over(
    shards: Chosen,
    folder: Path,
    *,
    kind: Kind,
    wanted: Wanted,
    facts: RunFacts,
    in_parallel: InParallel,
) -> Handed:
    """Write the folder, which appears under its name when whole.

    in_parallel: calls a function on each of several tasks, in any order and process
    Raises: InputError when the trainer does not train on this kind of rows, or when it cannot hold some
            of them and no way that was asked for makes them fit: then nothing is written.
    """
    target = check_wanted(wanted)
    if kind not in target.shapes:
        raise InputError(
            f"{target.name} does not train on {kind}; it takes {', '.join(target.shapes)}"
        )
    if wanted.tokenizer is not None:
        load_tokenizer(wanted.tokenizer)  # before any row is looked at
    with _replacing_folder(folder) as place, tempfile.TemporaryDirectory(prefix="tamis-") as parts:
        tasks = _tasks(shards, parts, kind, wanted)
        done = _added(list(in_parallel(write_part, tasks)))
        if done.refused:
            raise InputError(_refused(target, done))
        put_together(tasks, target.shapes[kind], place)
        join_files(tasks, "rows", place / ROWS_FILE)
        join_files(tasks, "changes", place / FLATTENED_FILE)
        return _explain(place, target, kind, wanted=wanted, facts=facts, done=done)


def _tasks(shards: Chosen, folder: str, kind: Kind, wanted: Wanted) -> list[Part]:
    tasks, first_row = [], 0
    for index, (rows, copies) in enumerate(shards):
        tasks.append(
            Part(
                index=index,
                rows=str(rows),
                copies=None if copies is None else str(copies),
                first_row=first_row,
                kind=kind,
                target=wanted.target,
                ways=wanted.flatten,
                tokenizer=wanted.tokenizer,
                max_tokens=wanted.max_tokens,
                folder=folder,
            )
        )
        first_row += n_chosen(rows, copies)
    return tasks


def _added(parts: list[PartDone]) -> PartDone:
    """All parts in their order as one; an empty one where there is none."""
    parts.sort(key=lambda part: part.index)
    whole = parts[0] if parts else PartDone(replayed=Replayed())
    for part in parts[1:]:
        whole.add(part)
    return whole


def _explain(
    place: Path, target: Target, kind: Kind, *, wanted: Wanted, facts: RunFacts, done: PartDone
) -> Handed:
    """Write the trainer's own files, the page of what was verified, and the card."""
    handover = Handover(
        kind=kind,
        n_rows=done.n_rows,
        file=target.shapes[kind].file,
        model=_model_of(wanted),
        max_tokens=wanted.max_tokens,
        has_tools=done.has_tools,
        has_reasoning=done.has_reasoning,
        rewards=tuple(sorted(done.rewards, key=lambda one: (one[0], one[1] or ""))),
    )
    verified = Verified(replayed=done.replayed, tokens=done.tokens)
    _write_texts(place, target.files(handover))
    proof, problem = _proof(place, target, kind, wanted)
    handed = Handed(
        n_rows=done.n_rows,
        verified=verified,
        flattened=done.flattened,
        own_keys=done.own_keys,
        proof=proof,
        proof_problem=problem,
        ungradable=done.ungradable,
    )
    texts = {
        "VERIFY.md": page(handover, target, handed),
        "README.md": card(handover, target, facts, own_keys=handed.own_keys),
    }
    _write_texts(place, texts)
    return handed


def _model_of(wanted: Wanted) -> str:
    """The model as scripts name it, wherever they are run from; MODEL where nobody named one."""
    name = wanted.model or wanted.tokenizer or "MODEL"
    return str(Path(name).resolve()) if Path(name).exists() else name


def _proof(
    place: Path, target: Target, kind: Kind, wanted: Wanted
) -> tuple[Proof | None, str | None]:
    """What the trainer's own loader said, or why it could not be asked though the user wanted that."""
    if wanted.python is None:
        return None, None
    if target.loader is None:
        return None, f"the code of {target.name} cannot be run here"
    named = None if wanted.tokenizer is None else Path(wanted.tokenizer)
    tokenizer = named if named is not None and named.is_dir() else None
    try:
        proof = prove(place, kind, target, python=wanted.python, tokenizer=tokenizer)
    except ProofError as error:
        return None, str(error)
    missing = f"{target.name} is not installed in {wanted.python}"
    return proof, missing if proof is None else None


def _refused(target: Target, done: PartDone) -> str:
    n_refused = sum(done.refused.values())
    most = sorted(done.refused.items(), key=lambda one: -one[1])[:4]
    reasons = "".join(f"; {n:,} × {why}" for why, n in most) if n_refused > 1 else ""
    return (
        f"{target.name} cannot hold {n_refused:,} of {n_refused + done.n_rows:,} rows; the first: "
        f"{done.first_refused[0]}{reasons}. Leave such rows out, or see whether --flatten "
        f"{'|'.join(WAYS)} makes them fit"
    )


def _write_texts(place: Path, texts: dict[str, str]) -> None:
    for name, text in texts.items():
        with replacing(place / name) as stream:
            stream.write(text.encode())
        if text.startswith("#!"):
            (place / name).chmod((place / name).stat().st_mode | 0o111)


def _keep_others(old: Path, new: Path) -> None:
    """Move what Tamis did not write into the new folder: a trained model, notes, logs."""
    for one in old.iterdir():
        if one.name not in _WRITTEN and not (new / one.name).exists():
            one.rename(new / one.name)


@contextmanager
def _replacing_folder(folder: Path) -> Iterator[Path]:
    """A folder whose files appear under its name only once all are there."""
    place = None
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        for left in folder.parent.glob(f".{glob.escape(folder.name)}.part-*"):
            if _OURS.fullmatch(left.name.rpartition(".part-")[2]):
                shutil.rmtree(left, ignore_errors=True)  # of a run that was killed
        place = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{folder.name}.part-"))
        yield place
        place.chmod(0o777 & ~umask())
        old = place.with_name(f"{place.name}-old")
        if folder.exists():
            folder.rename(old)
        place.rename(folder)
        if old.exists():
            _keep_others(old, folder)
            shutil.rmtree(old, ignore_errors=True)
    except OSError as error:
        raise StoreError(f"{folder}: cannot be written: {error.strerror or error}") from error
    finally:
        if place is not None:
            shutil.rmtree(place, ignore_errors=True)
