"""Every operator by its name: `"module:Class"`, loaded only when asked for.

Other packages add theirs through the entry-point group `tamis.operators`; a recipe may also name an
operator object of the user's own as `module:object`.
"""

from __future__ import annotations

import difflib
import importlib
import importlib.metadata
from functools import cache
from typing import Any

import msgspec

from tamis.errors import RecipeError
from tamis.op import Keep, Measure, Op, Rewrite, Select, Summary

CHECKS: dict[str, str] = {
    "role_order": "tamis.checks.roles:RoleOrder",
    "no_assistant": "tamis.checks.roles:NoAssistant",
    "short_reply": "tamis.checks.replies:ShortReply",
    "think_tags": "tamis.checks.think_tags:ThinkTags",
    "tool_call_tags": "tamis.checks.tool_calls:ToolCallTags",
    "tool_schema": "tamis.checks.tool_schema:ToolSchema",
    "arithmetic": "tamis.checks.arithmetic:Arithmetic",
    "truncated": "tamis.checks.truncated:TruncatedEnding",
    "boilerplate": "tamis.checks.boilerplate:Boilerplate",
    "private_data": "tamis.checks.private_data:PrivateData",
}
MEASURES: dict[str, str] = {
    "lengths": "tamis.measures.lengths:Lengths",
    "turns": "tamis.measures.turns:Turns",
    "language": "tamis.measures.language:Language",
    "opener": "tamis.measures.opener:Opener",
    "finding_counts": "tamis.measures.finding_counts:FindingCounts",
    "static_embedding": "tamis.measures.embedding:StaticEmbedding",
    "pass_rate": "tamis.calibrate.pass_rate:PassRate",
}
SUMMARIES: dict[str, str] = {
    "distribution": "tamis.measures.distribution:Distribution",
    "value_counts": "tamis.measures.value_counts:ValueCounts",
    "opener_diversity": "tamis.measures.opener_diversity:OpenerDiversity",
}
OTHERS: dict[str, str] = {
    "safe_fixes": "tamis.rewrites.safe_fixes:SafeFixes",
    "keep": "tamis.op:Keep",
    "near_duplicates": "tamis.selects.near_duplicates:NearDuplicates",
    "diverse_top_k": "tamis.selects.diverse:DiverseTopK",
}
# The steps of `tamis reward`, over rollouts and questions.
REWARDING: dict[str, str] = {
    "score_rollouts": "tamis.calibrate.grade_rollouts:ScoreRollouts",
    "score_values": "tamis.calibrate.grade_rollouts:ScoreValues",
    "score_counts": "tamis.calibrate.score_counts:ScoreCounts",
    "gold_lint": "tamis.calibrate.gold_lint:GoldLint",
}
OPERATORS: dict[str, str] = {**CHECKS, **MEASURES, **SUMMARIES, **OTHERS, **REWARDING}

SHAPES = (Measure, Summary, Rewrite, Keep, Select)


@cache
def plugins() -> dict[str, str]:
    """Operators of other installed packages: entry-point name to `"module:Class"`."""
    points = importlib.metadata.entry_points(group="tamis.operators")
    return {point.name: point.value for point in points}


def names() -> list[str]:
    """All operator names, sorted."""
    return sorted({**plugins(), **OPERATORS})


def load(name: str) -> Any:
    """The operator class (or the user's own operator object) behind a name."""
    target = OPERATORS.get(name) or plugins().get(name) or (name if ":" in name else None)
    if target is None:
        near = difflib.get_close_matches(name, names(), n=1)
        hint = f"; did you mean `{near[0]}`?" if near else f"; known: {', '.join(names())}"
        raise RecipeError(f"unknown operator `{name}`{hint}")
    module, _, attribute = target.partition(":")
    try:
        return getattr(importlib.import_module(module), attribute)
    except (ImportError, AttributeError) as error:
        raise RecipeError(f"operator `{name}`: cannot load `{target}`: {error}") from error


def make(name: str, options: dict[str, Any]) -> Op:
    """Build an operator from its name and plain options; unknown options are refused by name."""
    kind = load(name)
    if isinstance(kind, SHAPES):
        if options:
            raise RecipeError(f"`{name}` is a ready operator and takes no options")
        return kind
    if not (isinstance(kind, type) and issubclass(kind, SHAPES)):
        raise RecipeError(f"`{name}` is not an operator; wrap a function with `per_conversation`")
    known = [field.name for field in msgspec.structs.fields(kind)]
    for option in options:
        if option not in known:
            near = difflib.get_close_matches(option, known, n=1)
            others = f"; known: {', '.join(known)}" if known else "; it takes none"
            hint = f"; did you mean `{near[0]}`?" if near else others
            raise RecipeError(f"unknown option `{option}` of `{name}`{hint}")
    try:
        return msgspec.convert(options, kind)
    except msgspec.ValidationError as error:
        raise RecipeError(f"`{name}`: {error}") from error


def shape_of(op: Op) -> str:
    """Its shape in one word, as reports and manifests name it; `model` when it asks one."""
    if isinstance(op, Measure):
        return "model" if "llm" in op.uses else "measure"
    for shape in (Summary, Rewrite, Keep, Select):
        if isinstance(op, shape):
            return shape.__name__.lower()
    raise RecipeError(f"{op!r} is not an operator")


def describe(name: str) -> str:
    """The docstring of an operator: what it tells, Reads, Adds, Source."""
    return (load(name).__doc__ or "").strip()
