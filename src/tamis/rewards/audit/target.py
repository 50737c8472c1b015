"""What is audited: one of ours by name, a function of the user's, or an address; and how it is asked."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

import msgspec

from tamis.errors import RewardError
from tamis.records import RewardSpec
from tamis.rewards.audit.calling import Caller, Limits, Reply
from tamis.rewards.audit.cases import Case, golds_of, item_of
from tamis.rewards.audit.own_policies import declared
from tamis.rewards.base import REWARDS, load_reward

FORMS = ("plain", "trl", "verl", "openrlhf")
_BATCH = 64
# Ours limit themselves: what runs long here is a batch of code that waits for its own limits.
_OURS_LIMIT_S = 600.0
_FUNCTION = re.compile(r"(?P<module>.+\.py|[A-Za-z_][\w.]*):(?P<name>[A-Za-z_][\w.]*)")


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """How a target is asked.

    `form` instead of the detected one; `parameters` of one of ours, as JSON text; `columns`: values that a
    user's function wants beside question, answer and reference; `reference_as` names the parameter that
    takes the reference; `python` is the interpreter that has what the function imports.
    """

    form: str | None = None
    parameters: str | None = None
    columns: dict[str, Any] = {}
    reference_as: str | None = None
    python: str | None = None
    limits: Limits = Limits()


class Asker(Protocol):
    """Gives replies for items, all in one call."""

    form: str

    def ask(
        self,
        items: Sequence[Mapping[str, Any]],
        *,
        shape: Mapping[str, Any],
        in_threads: bool = False,
    ) -> list[Reply]:
        """One reply for each item."""
        ...

    def restart(self) -> None:
        """Start anew, where there is something to start."""
        ...


class Target:
    """A target that is open, and the way its questions are handed over (`shape`)."""

    def __init__(self, name: str, asker: Asker, own: RewardSpec | None) -> None:
        self.name = name
        self.asker = asker
        self.own = own
        self.shape: dict[str, Any] = {}
        self.n_calls = 0
        self.trouble = ""

    @property
    def form(self) -> str:
        """The calling convention."""
        return self.asker.form

    def fits(self, case: Case) -> bool:
        """Whether the target can be told what the case needs it to be told."""
        if self.own is not None:
            return self._spec(case) is not None
        wanted = self.shape.get("reference_as", "text")
        is_held = self.form == "http" or wanted in golds_of(case.question.reference)
        return is_held and declared(case.policy) == {}

    def ungradable(self, case: Case) -> str | None:
        """Why one of ours would not grade the question; None for others, whom nobody can ask."""
        spec = self._spec(case) if self.own else None
        return None if spec is None else load_reward(spec).ungradable(case.question)

    def ask(self, cases: Sequence[Case], *, in_threads: bool = False) -> list[Reply]:
        """One reply for each case; where a call fails its cases are asked one by one."""
        replies: list[Reply] = []
        for batch in _batches(cases):
            told = self._call(batch, in_threads=in_threads)
            if len(batch) > 1 and all(reply.failure is not None for reply in told):
                told = [self._call([case], in_threads=in_threads)[0] for case in batch]
            replies += told
        return replies

    def restart(self) -> None:
        """Put a fresh process in the place of the one that was asked so far."""
        self.asker.restart()

    def _call(self, cases: Sequence[Case], *, in_threads: bool) -> list[Reply]:
        self.n_calls += len(cases)
        items = [item_of(case, self._spec(case) if self.own else None) for case in cases]
        return self.asker.ask(items, shape=self.shape, in_threads=in_threads)

    def _spec(self, case: Case) -> RewardSpec | None:
        """One of ours with what the case declares; None where the user's parameters say otherwise."""
        assert self.own is not None
        wanted = declared(case.policy)
        if wanted and self.own.name != "math":
            return None
        if self.own.name == case.kind and case.parameters:
            wanted = msgspec.json.decode(case.parameters, type=dict[str, Any])
        given = msgspec.json.decode(self.own.parameters or "{}", type=dict[str, Any])
        if any(given.get(name, value) != value for name, value in wanted.items()):
            return None
        merged = {**wanted, **given}
        text = msgspec.json.encode(merged).decode() if merged else None
        return RewardSpec(name=self.own.name, parameters=text)


def _batches(cases: Sequence[Case]) -> Iterator[list[Case]]:
    """The cases in their order, as many in a call as may stand together."""
    batch: list[Case] = []
    for case in cases:
        if batch and (case.alone or batch[0].alone or len(batch) == _BATCH):
            yield batch
            batch = []
        batch.append(case)
    if batch:
        yield batch


@contextmanager
def open_target(name: str, options: Options) -> Iterator[Target]:
    """The target of this name, ready to be asked; its process ends with the block.

    Raises: RewardError for a name that is no reward, function or address, or cannot be loaded.
    """
    if name.startswith(("http://", "https://")):
        # here, because a local audit needs no network library
        from tamis.rewards.audit.remote import Address

        yield Target(name, Address(name, limits=options.limits), None)
        return
    if name in REWARDS:
        own = RewardSpec(name=name, parameters=options.parameters)
        load_reward(own)
        limits = Limits(call_s=_OURS_LIMIT_S, memory_mb=None)
        order = {"do": "load", "form": "ours"}
        with Caller(order, limits=limits, python=None) as caller:
            yield Target(name, caller, own)
        return
    with Caller(_order(name, options), limits=options.limits, python=options.python) as caller:
        yield Target(name, caller, None)


def _order(name: str, options: Options) -> dict[str, Any]:
    found = _FUNCTION.fullmatch(name)
    if found is None:
        near = difflib.get_close_matches(name, REWARDS, n=1)
        hint = f"did you mean `{near[0]}`?" if near else f"ours are {', '.join(REWARDS)}"
        raise RewardError(
            f"{name}: expected a reward of ours, module:function, file.py:function or an address; {hint}"
        )
    if options.parameters is not None:
        raise RewardError(
            f"--reward-parameters: expected one of ours beside it, got {name}; use --columns"
        )
    module = found["module"]
    if module.endswith(".py"):
        if not Path(module).is_file():
            raise RewardError(f"{module}: expected a Python file, there is none")
        module = str(Path(module).resolve())
    return {
        "do": "load",
        "form": options.form,
        "module": module,
        "name": found["name"],
        "columns": options.columns,
        "reference_as": options.reference_as,
    }
