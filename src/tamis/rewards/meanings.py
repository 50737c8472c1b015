"""What the parts and flags of scores mean, in words for reports. One name means one thing in every reward."""

from __future__ import annotations

PARTS: dict[str, str] = {
    "accuracy": "1 when the answer is right, else 0; pass rates count this part",
    "pass_fraction": "share of the tests that count which the code passes",
    "followed_share": "share of the instructions that the answer follows",
    "precision": "share of the answer's words that stand in the reference",
    "recall": "share of the reference's words that stand in the answer",
    "quality": "the judge's grade, as its share of the scale",
    "preference": "1 where the judge prefers the answer to the reference in both orders, 0.5 for a tie",
    "rubric": "the weights of the rubric's items that the judge finds met, of all positive weights",
}
FLAGS: dict[str, str] = {
    "truncated": "cut at the limit of tokens: wrong, whatever it says so far",
    "too_long": "longer than any honest answer, so not read: wrong",
    "unfinished_think": "the reasoning never ends, so there is no answer: wrong",
    "no_answer": "commits itself to nothing that could be compared: wrong",
    "conflicting_answers": "commits itself to several different answers: wrong",
    "unreadable_answer": "commits itself to something that the reward cannot read: wrong",
    "unbalanced_box": "a \\boxed{ that never closes: wrong",
    "unbalanced_answer": "an <answer> tag without its other half: wrong",
    "last_number": "no commitment; its last number was taken, as the parameters allow",
    "last_line": "no commitment; its last line was taken, as the parameters allow",
    "unit_differs": "the number with another unit than the reference's: wrong",
    "no_code": "hands in no Python by the rule of extraction: wrong",
    "no_entry_point": "never defines the function that the tests call: wrong",
    "syntax_error": "its code does not parse: wrong",
    "conflicting_blocks": "several different blocks define the function; the last one was run",
    "joined_blocks": "its code uses names of its earlier blocks, which were put before it",
    "unclosed_fence": "its block of code never ends; it was run all the same",
    "load_failed": "its code raised when it was loaded, so its tests failed",
    "timeout": "a test ran into the time limit and failed",
    "memory": "a test ran into the memory limit and failed",
    "too_large": "a result or an output was larger than the limit, so that test failed",
    "crashed": "its process ended in the middle of a test, which failed",
    "several_answers": "says another answer behind its final one; the judge was shown both",
    "answer_cut": "longer than the judge is shown; its middle was left out",
    "order_effect": "the judge changed its mind with the order of the answers: a tie",
    "judge_unreadable": "no reply of the judge was a verdict: no score, never a 0",
    "judge_failed": "the judge's server gave no answer: no score, never a 0",
    "judge_budget": "the calls or tokens that the judge may use were used up: no score, never a 0",
    "weak_tests": "a test passed by asking the answer's own objects whether they are equal",
}
_TIER = "tier:"
_TIERS: dict[str, str] = {
    "namespaces": "its code ran in the strongest sandbox, in namespaces of its own",
    "bwrap": "its code ran in namespaces that bubblewrap made",
    "landlock": "its code ran under Landlock and seccomp, without namespaces",
    "weak": "its code ran without reliable isolation: neither harmless nor proof against cheats",
}


def flag_meaning(flag: str) -> str | None:
    """What a flag says of the answers that carry it; None for a flag without words.

    >>> flag_meaning("tier:landlock")
    'its code ran under Landlock and seccomp, without namespaces'
    """
    if flag.startswith(_TIER):
        return _TIERS.get(flag.removeprefix(_TIER))
    return FLAGS.get(flag)
