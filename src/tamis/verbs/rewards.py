"""The verbs of rewards: grade rollouts that are there already, and test the gold of questions."""

from __future__ import annotations

import difflib
import shutil
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import msgspec

from tamis.dataset import Dataset, is_run_folder, open_dataset
from tamis.engine.inputs import stored_rollouts
from tamis.engine.run import claimed
from tamis.errors import InputError, RecipeError, StoreError, TamisError
from tamis.ledger import rule_counts
from tamis.recipe import Outputs, Step
from tamis.records import RewardSpec, Rule
from tamis.reports.sarif import sarif
from tamis.rewards import load_reward
from tamis.rewards.gold import every_rule
from tamis.verbs.common import (
    Common,
    Plan,
    Result,
    build_recipe,
    execute,
    expect_own,
    is_file_output,
)
from tamis.verbs.data import finding_line, first_findings, missed_gate, parse_gate, rule_lines
from tamis.verbs.kinds import expect_kind, run_on
from tamis.verbs.look import with_report
from tamis.verbs.reward_signal import Rollouts, check_rollouts, signal_lines, signal_of
from tamis.verbs.score_lines import score_lines, score_table, scores_below

QUESTIONS = "questions"
# A piece of a file is a task: small enough that every core has work and little is lost to a kill.
_SMALLEST_BYTES, _PIECES = 64 << 10, 64
_ORDER = "tamis reward run takes the questions first and the rollouts behind them"
_NO_ROLLOUTS = "tamis reward test looks at questions alone, tamis reward run grades rollouts"


class GradedBy(msgspec.Struct, frozen=True, kw_only=True):
    """The one reward for all questions, its parameters as JSON text; without a name each names its own."""

    name: str | None = None
    parameters: str | None = None

    def spec(self) -> RewardSpec | None:
        """The reward, once it is known to be one that takes these parameters."""
        if self.name is None:
            if self.parameters is not None:
                raise RecipeError("--parameters: expected --reward NAME beside it")
            return None
        spec = RewardSpec(name=self.name, parameters=self.parameters)
        load_reward(spec)
        return spec


def reward_run(
    questions: str | Sequence[str],
    rollouts: str | Sequence[str],
    *,
    reward: GradedBy | None = None,
    questions_as: str | None = None,
    common: Common | None = None,
) -> Result:
    """Grade each rollout by the reward of its question (or by `reward`); keep those with a score.

    A rollout finds its question by id, by the question's own key, or by the exact text that was asked.
    One that cannot be graded is never a 0: it is dropped, its cause in the ledger. A score that a
    rollout brought is replaced and stands in the ledger. Exit code 3 when none could be graded.
    """
    common = common or Common()
    spec = (reward or GradedBy()).spec()
    asked, given = _as_list(questions), _as_list(rollouts)
    expect_kind(asked, "questions", hint=_ORDER)
    expect_kind(given, "rollouts", hint=_ORDER)
    common = msgspec.structs.replace(common, shard_bytes=_piece_bytes(given, common.shard_bytes))
    plan, source = _plan(given, common), _Questions(asked, as_format=questions_as, common=common)
    if common.dry_run:
        return _dry_run(plan, spec, source, common)
    if common.recipe_out and not source.is_dataset:
        raise RecipeError(
            f"--recipe-out: expected a data set of questions, got {asked[0]}; "
            "make one with tamis import and name its folder"
        )
    result = _graded(plan, spec, source, common)
    return result if result.run is None else _told(result, source)


def _as_list(inputs: str | Sequence[str]) -> list[str]:
    return [inputs] if isinstance(inputs, str) else list(inputs)


def _plan(rollouts: Sequence[str], common: Common) -> Plan:
    # a folder holds columns; a file, and a recipe that may be run into one, is in our own format
    to_folder = common.output is not None and not is_file_output(common.output)
    return Plan(
        command="reward run",
        inputs=rollouts,
        steps=(),
        outputs=Outputs(to=None if to_folder else "rollouts"),
        to_kind="rollouts",
        not_checked=(("answers", "whether what a reward pays for is what you want: audit it"),),
    )


def _told(result: Result, source: _Questions) -> Result:
    """The result with the account of its scores."""
    table = score_table(Path(str(result.run)))
    result.body |= {"scores": table, "questions": source.account()}
    result.lines += [*source.lines(), *score_lines(table, result.counts["parsed"])]
    if result.counts["read"] and not result.counts["kept"]:
        result.lines.append("no rollout could be graded")
        result.exit_code = InputError.exit_code
    result = with_report(result)
    result.renderings["md"] = partial(
        scores_below, result.renderings["md"], score_lines(table, result.counts["parsed"])
    )
    return result


class _Questions:
    """The questions of a command: a data set as it is, anything else made one in the run folder."""

    def __init__(self, inputs: Sequence[str], *, as_format: str | None, common: Common) -> None:
        self.inputs = inputs
        self.is_dataset = len(inputs) == 1 and is_run_folder(Path(inputs[0]))
        if self.is_dataset and as_format is not None:
            raise RecipeError(
                f"--questions-as {as_format}: {inputs[0]} is a data set, read already"
            )
        self.plan = Plan(command="import", inputs=inputs, steps=(), to_kind="questions")
        self.common = Common(
            as_format=as_format,
            workers=common.workers,
            quiet=common.quiet,
            dry_run=common.dry_run,
        )
        self._made: Dataset | None = None

    def made(self, folder: Path) -> Dataset:
        """The data set, made below `folder` unless it is one."""
        target = Path(self.inputs[0]) if self.is_dataset else folder / QUESTIONS
        if not self.is_dataset:
            own = msgspec.structs.replace(self.common, output=str(target))
            run_on(self.plan, own, hint=_ORDER)
        self._made = open_dataset(target)
        return self._made

    def account(self) -> dict[str, Any]:
        """The questions that were made: where they lie, how many there are and could not be read."""
        assert self._made is not None  # asked for once rollouts have been graded by them
        n_unreadable = 0 if self.is_dataset else self._made.manifest["counts"]["unreadable"]
        where = {"run": str(self._made.folder), "fingerprint": self._made.fingerprint}
        return {**where, "questions": self._made.n_rows, "unreadable": n_unreadable}

    def lines(self) -> list[str]:
        """A line for people, where questions could not be read."""
        told = self.account()
        if not told["unreadable"]:
            return []
        n_read = told["questions"] + told["unreadable"]
        return [
            f"{told['unreadable']:,} of {n_read:,} questions could not be read; "
            f"the ledger in {told['run']} says why"
        ]


def _piece_bytes(inputs: Sequence[str], most: int) -> int:
    """How much of a file a worker takes at a time; from the bytes of the files alone, so that it is repeated."""
    paths: list[Path] = []
    for path in [Path(one) for one in inputs if one != "-"]:
        if is_run_folder(path):
            paths += stored_rollouts(path) or open_dataset(path).shards
        else:
            paths.append(path)
    total = sum(path.stat().st_size for path in paths if path.is_file())
    return max(min(most, total // _PIECES), min(most, _SMALLEST_BYTES))


def _steps(spec: RewardSpec | None, folder: str, fingerprint: str) -> list[Step]:
    options = {"questions": folder, "fingerprint": fingerprint, **_reward_option(spec)}
    keep = {
        "column": "score_right",
        "at_least": 0,
        "reason": "no score",
        "reason_column": "ungradable_cause",
        "detail_column": "ungradable_detail",
    }
    return [
        Step(op="score_rollouts", options=options),
        Step(op="score_values"),
        Step(op="keep", options=keep),
        Step(op="score_counts"),
    ]


def _reward_option(spec: RewardSpec | None) -> dict[str, Any]:
    if spec is None:
        return {}
    given = msgspec.to_builtins(spec)
    return {"reward": {key: value for key, value in given.items() if value is not None}}


def _graded(plan: Plan, spec: RewardSpec | None, source: _Questions, common: Common) -> Result:
    """The questions made a data set, then the rollouts graded by them."""
    if common.recipe_out:
        made = source.made(Path())
        steps = _steps(spec, str(made.folder), made.fingerprint)
        return execute(msgspec.structs.replace(plan, steps=steps), common)
    build_recipe(
        plan, common
    )  # options that contradict each other are refused before anything is made
    output = Path(str(common.output))
    if any(Path(one).resolve() == output.resolve() for one in source.inputs):
        raise StoreError(f"{output}: is also an input; choose another output")
    folder = output
    if is_file_output(str(output)):
        folder = Path(f"{output}.run")
        expect_own(output, folder)
    is_new = not folder.exists()
    try:
        # the folder is ours before anything is put into it, so that a killed run can go on
        with claimed(folder):
            made = source.made(folder)
        steps = _steps(spec, str(made.folder), made.fingerprint)
        return run_on(msgspec.structs.replace(plan, steps=steps), common, hint=_ORDER)
    except TamisError:
        if is_new and not (folder / "passes").exists() and not is_run_folder(folder):
            shutil.rmtree(folder, ignore_errors=True)
        raise


def _dry_run(plan: Plan, spec: RewardSpec | None, source: _Questions, common: Common) -> Result:
    steps = _steps(spec, "the questions", "")
    asked = run_on(source.plan, source.common, hint=_ORDER)
    told = run_on(msgspec.structs.replace(plan, steps=steps), common, hint=_ORDER)
    lines = [*(line for line in asked.lines if not line.startswith("pass ")), *told.lines]
    body = {"questions": asked.body, **told.body}
    return Result(command=plan.command, lines=lines, body=body)


_NOT_TESTED = (
    (
        "other answers",
        "whether a right answer in another form passes; only the reference was tried",
    ),
    ("copies", "whether the same question stands there twice with different references"),
)


def reward_test(
    questions: str | Sequence[str],
    *,
    reward: GradedBy | None = None,
    n_repeats: int = 3,
    gate: Sequence[str] = ("error",),
    rollouts: Rollouts | None = None,
    common: Common | None = None,
) -> Result:
    """Test the gold: can each question be graded, does its own reference pass, is its answer given away.

    Findings, counts and a report go to `-o` (or `QUESTIONS.test/`). `gate` as in `check`: the exit code is
    1 when one is missed. `n_repeats`: how often a reference is run, to find one that fails now and then.
    `rollouts` are graded too, below the same folder: which share of groups would carry signal, part by part.
    """
    common = common or Common()
    spec = (reward or GradedBy()).spec()
    rules = every_rule()
    gates = [parse_gate(text, [rule.id for rule in rules]) for text in gate]
    if n_repeats < 1:
        raise RecipeError(f"--repeats {n_repeats}: expected 1 or more")
    asked = _as_list(questions)
    expect_kind(asked, "questions", hint=_NO_ROLLOUTS)
    if rollouts is not None:
        check_rollouts(rollouts, asked, common)
    plan = _test_plan(asked, spec, n_repeats)
    name = "stdin" if asked[0] == "-" else asked[0].rstrip("/")
    common = msgspec.structs.replace(
        common,
        output=common.output or f"{name}.test",
        shard_bytes=_piece_bytes(asked, common.shard_bytes),
    )
    result = run_on(plan, common, hint=_NO_ROLLOUTS)
    if result.run is None:
        return result
    result = _tested(result, gates, rules)
    if rollouts is None:
        return with_report(result)
    return _with_signal(result, asked, rollouts, reward=reward, common=common)


def _test_plan(asked: Sequence[str], spec: RewardSpec | None, n_repeats: int) -> Plan:
    return Plan(
        command="reward test",
        inputs=asked,
        steps=[
            Step(op="gold_lint", options={"n_repeats": n_repeats, **_reward_option(spec)}),
            Step(op="finding_counts", options={"checks": ["gold_lint"]}),
        ],
        to_kind="questions",
        needs_output=False,
        not_checked=_NOT_TESTED,
    )


def _with_signal(
    tested: Result,
    questions: Sequence[str],
    rollouts: Rollouts,
    *,
    reward: GradedBy | None,
    common: Common,
) -> Result:
    """The rollouts graded in a folder below that of the test, and what their groups say."""
    folder = str(Path(str(tested.run)) / "rollouts")
    graded = reward_run(
        questions,
        rollouts.inputs,
        reward=reward,
        questions_as=common.as_format,
        common=Common(output=folder, workers=common.workers, quiet=common.quiet),
    )
    told = signal_of(graded, group_size=rollouts.group_size)
    tested.body["signal"] = told
    tested.lines += signal_lines(told)
    tested = with_report(tested)
    tested.renderings["md"] = partial(scores_below, tested.renderings["md"], signal_lines(told))
    return tested


def _tested(result: Result, gates: Sequence[tuple[str, float]], rules: Sequence[Rule]) -> Result:
    run = Path(str(result.run))
    counts = rule_counts(run)
    missed = [m for g in gates if (m := missed_gate(g, counts, result.counts["kept"])) is not None]
    result.exit_code = 1 if missed else 0
    if not result.counts["parsed"] and result.counts["unreadable"]:
        result.exit_code = InputError.exit_code
    fixes = {rule.id: rule.fix for rule in rules}
    result.body["gates_missed"] = missed
    result.body["findings"] = {
        rule: {"severity": severity, "findings": n, "questions": rows, "fix": fixes.get(rule)}
        for rule, (severity, n, rows) in sorted(counts.items())
    }
    result.body["first_findings"] = findings = first_findings(run)
    result.lines += [finding_line(finding) for finding in findings]
    found = dict.fromkeys(finding["rule"] for finding in findings)
    result.lines += [f"fix {rule}: {fixes[rule]}" for rule in found if rule in fixes]
    result.renderings["sarif"] = partial(sarif, run)
    return result


def explain_rule(name: str) -> Result:
    """What a rule of gold lint looks for, with a good and a bad example; or all rules of a reward."""
    rules = every_rule()
    chosen = [rule for rule in rules if name in (rule.id, rule.id.partition("/")[0])]
    if not chosen:
        known = [rule.id for rule in rules]
        near = difflib.get_close_matches(name, known, n=1)
        hint = f"; did you mean `{near[0]}`?" if near else f"; rules: {', '.join(known)}"
        raise RecipeError(f"--explain {name}: no such rule{hint}")
    lines = [line for rule in chosen for line in rule_lines(rule)]
    return Result(command="reward test", lines=lines, body={"explained": name})
