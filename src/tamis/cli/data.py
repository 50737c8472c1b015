"""`tamis import | check | fix | dedup | select | export | run`: thin twins of the verbs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from tamis.cli.options import HANDOVER, Inputs, To, shared

if TYPE_CHECKING:
    from tamis.verbs.common import Common, Result

KINDS = ("conversations", "questions", "preferences", "rollouts")
PANEL = "data"

Kinds = Annotated[
    str | None, typer.Option("--to", help=f"Kind of rows to read: {', '.join(KINDS)}.")
]
Rule = Annotated[
    str | None, typer.Option("--explain", help="Explain a rule or a check, then stop.")
]
Checks = Annotated[
    list[str] | None, typer.Option("--checks", help="Run only this check (may be repeated).")
]
Gate = Annotated[
    list[str], typer.Option("--gate", help="error, warning, none or RULE:RATE (may be repeated).")
]
Out = Annotated[str | None, typer.Option("--out", help="Folder for findings and report.")]
Near = Annotated[float, typer.Option("--near", help="Jaccard similarity from which rows are one.")]
Text = Annotated[str, typer.Option("--text", help="conversation, user or assistant.")]
Prefer = Annotated[
    str | None, typer.Option("--prefer", help="Keep the row with the highest value of this column.")
]
Wanted = Annotated[int, typer.Option("-n", help="How many rows to choose.")]
By = Annotated[str, typer.Option("--by", help="Column to rank by, best first.")]
MaxSimilarity = Annotated[
    float, typer.Option("--max-similarity", help="Highest cosine to a row already chosen.")
]
RecipeFile = Annotated[str, typer.Argument(help="A recipe, as --recipe-out writes it.")]


def _check_kind(kind: str | None, option: str) -> None:
    if kind is not None and kind not in KINDS:
        raise typer.BadParameter(f"expected {', '.join(KINDS)}, got {kind}", param_hint=option)


def register(app: typer.Typer) -> None:
    """Put the data commands on the app."""
    app.command("import", rich_help_panel=PANEL)(import_)
    for command in (check, fix, dedup, select, export):
        app.command(rich_help_panel=PANEL)(command)
    app.command(rich_help_panel="run")(run)


@shared()
def import_(inputs: Inputs, to: Kinds = None, *, common: Common) -> Result:
    """Read files of any supported format into a data set folder.

    Example: tamis import raw/ -o data/v0
    """
    from tamis.verbs import imports

    _check_kind(to, "--to")
    return imports.import_(inputs, to=to, common=common)  # type: ignore[arg-type]


@shared("sarif")
def check(
    inputs: Annotated[
        list[str] | None, typer.Argument(help="Files, folders or a data set.")
    ] = None,
    checks: Checks = None,
    gate: Gate = ["error"],  # noqa: B006
    out: Out = None,
    explain: Rule = None,
    *,
    common: Common,
) -> Result:
    """Check every conversation; findings with place and fix, and a report.

    Example: tamis check data/v0 --gate error --gate boilerplate/refusal:0.01
    """
    from tamis.verbs import data

    if explain is not None:
        return data.explain(explain)
    if not inputs:
        raise typer.BadParameter("expected at least one input", param_hint="INPUTS")
    return data.check(inputs, checks=checks, gate=gate, out=out, common=common)


@shared()
def fix(inputs: Inputs, to: To = None, *, common: Common) -> Result:
    """Mend what can be mended without loss; every edit is in the ledger.

    Example: tamis fix data/v0 -o data/v1
    """
    from tamis.verbs import data

    return data.fix(inputs, to=to, common=common)


@shared()
def dedup(
    inputs: Inputs,
    near: Near = 0.8,
    text: Text = "conversation",
    prefer: Prefer = None,
    to: To = None,
    *,
    common: Common,
) -> Result:
    """Drop exact and near-duplicates; each dropped row names the kept one.

    Example: tamis dedup pool.jsonl -o unique.jsonl --near 0.9
    """
    from tamis.verbs import data

    return data.dedup(inputs, near=near, text=text, prefer=prefer, to=to, common=common)


@shared()
def select(
    inputs: Inputs,
    n: Wanted,
    by: By = "assistant_chars",
    max_similarity: MaxSimilarity = 0.9,
    to: To = None,
    *,
    common: Common,
) -> Result:
    """Choose a small diverse set: best first, none too alike to a chosen one.

    Example: tamis select data/v2 -n 5000 --by quality -o data/v3
    """
    from tamis.verbs import data

    return data.select(inputs, n=n, by=by, max_similarity=max_similarity, to=to, common=common)


@shared(more=HANDOVER)
def export(inputs: Inputs, to: To = None, *, grouped: dict[str, Any], common: Common) -> Result:
    """Write rows in an outside format, or the folder that a trainer loads.

    Example: tamis export data/v3 --for trl --tokenizer models/qwen -o out/trl
    """
    from tamis.recipe import Outputs
    from tamis.verbs import data

    outputs = Outputs(**{**grouped, "flatten": grouped["flatten"] or []})
    if outputs.target is None and outputs != Outputs():
        raise typer.BadParameter("expected --for TRAINER beside its options", param_hint="--for")
    return data.export(inputs, to=to, handover=outputs, common=common)


@shared()
def run(recipe: RecipeFile, *, common: Common) -> Result:
    """Run a recipe; options given here win over the recipe's.

    Example: tamis run recipe.yaml -o out/
    """
    from tamis.verbs import data

    return data.run(recipe, common=common)
