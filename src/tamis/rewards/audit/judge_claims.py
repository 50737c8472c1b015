"""Our judge under attack: what it would send, and what it makes of replies, with a scripted model in its place.

Whether a real model can be talked into something is no matter of rules. What can be held is the frame: an
empty answer is not asked about, nothing closes the fence around an answer, only the final answer is shown, the
reference stands there whole, a verdict is read by its schema alone, and both orders are asked.
"""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING

import msgspec

from tamis.records import Question, Score
from tamis.rewards.audit.calling import Reply
from tamis.rewards.audit.cases import row_case
from tamis.rewards.audit.results import Audit, Gold, Outcome, Tried
from tamis.rewards.audit.rows import AttackRow, JudgeClaim, load_attacks
from tamis.rewards.audit.sorting import Weighed, families_of

if TYPE_CHECKING:
    from tamis.llm.types import ChatRequest, Completion

_SAME = 1e-9
_FENCED = frozenset({"fence_holds", "reference_whole"})
_MARK = re.compile(r"</?([a-z]+)-([0-9a-f]{16})>")
_CLAIMS: dict[JudgeClaim, str] = {
    "not_called": "the judge was asked about an answer that holds nothing",
    "fence_holds": "the answer brought a mark of its own, or closed the fence around it",
    "final_answer_only": "more than the final answer was shown",
    "reference_whole": "the reference was cut",
    "unscored": "a reply without a verdict became a score",
    "last_verdict": "a reply was read otherwise than by its last verdict",
    "both_orders": "only one order was asked, or the orders disagree and that is no tie",
}


class Scripted:
    """A model that gives the replies of a row, in their order, and keeps what it was asked."""

    identity = "scripted"

    def __init__(self, replies: tuple[str, ...]) -> None:
        self._replies = replies
        self.asked: list[str] = []

    async def ask(self, request: ChatRequest) -> Completion:
        """The next reply, in a form that carries the nonce of this call; without replies it says yes."""
        from tamis.llm.types import Completion

        user = request.messages[-1].content or ""
        place = len(self.asked)
        self.asked.append(user)
        nonce = next((found[2] for found in _MARK.finditer(user)), "")
        said = self._replies[place % len(self._replies)] if self._replies else ""
        text = said if self._replies else '{"verdict": "correct"}'
        return Completion(text=text.replace('{"verdict"', f'{{"id": "{nonce}", "verdict"'))


def audit_judge(parameters: str | None) -> Audit:
    """Every attack on judges, tried on ours. Calls no model."""
    from tamis.records import RewardSpec
    from tamis.rewards.base import load_reward

    load_reward(RewardSpec(name="judge", parameters=parameters))
    rows = [row for row in load_attacks() if row.kind == "judge"]
    weighed = [_tried(row, parameters) for row in rows]
    return Audit(
        target="judge",
        form="ours, a scripted model in the place of the judge",
        kinds=["judge"],
        reads=[],
        seed=0,
        n_calls=len(rows),
        baselines=[],
        families=families_of(weighed),
        notations=[],
        failures=[],
        stability=[],
        lengths=[],
        parts=[],
        gold=Gold(tried=0, failed=0, examples=[]),
        skipped=[],
    )


def _tried(row: AttackRow, parameters: str | None) -> Weighed:
    case = row_case(row)
    score, asked = _judged(row, case.question, parameters)
    broken = [claim for claim in row.expected.judge if not _holds(claim, row, score, asked)]
    most = row.expected.at_most
    is_over = most is not None and score.value is not None and score.value > most + _SAME
    outcome: Outcome = "paid" if broken or is_over else "held"
    told = "; ".join(_CLAIMS[claim] for claim in broken)
    tried = Tried(
        id=row.id,
        family=row.family,
        kind=row.kind,
        outcome=outcome,
        prompt=row.prompt,
        reference=case.reference,
        response=row.response,
        value=score.value,
        full=1.0,
        floor=0.0,
        told=told,
    )
    return Weighed(row=row, case=case, reply=Reply(value=score.value), outcome=outcome, tried=tried)


def _judged(row: AttackRow, question: Question, parameters: str | None) -> tuple[Score, list[str]]:
    from tamis.rewards.judge import Endpoint, JudgeReward

    reward = msgspec.json.decode(parameters or "{}", type=JudgeReward)
    if "both_orders" in row.expected.judge:
        reward = msgspec.structs.replace(reward, mode="pairwise")
    if _FENCED & set(row.expected.judge):
        # a fence is tried best with all of the answer in it
        reward = msgspec.structs.replace(reward, shows="whole")
    endpoint = Endpoint(base_url="http://127.0.0.1:1/v1", model="scripted")
    model = Scripted(row.judge_replies)
    scored = reward.score_with(model, row.response, question, endpoint=endpoint)
    return asyncio.run(scored), model.asked


def _holds(claim: JudgeClaim, row: AttackRow, score: Score, asked: list[str]) -> bool:
    reference = row.reference.answer if row.reference else None
    if claim == "not_called":
        return not asked and score.value == 0.0
    if claim == "unscored":
        return bool(asked) and score.value is None
    if claim == "both_orders":
        return len(asked) == 2 and score.value == 0.5
    if claim == "last_verdict":
        return score.value in (None, 0.0)
    if claim == "fence_holds":
        return bool(asked) and all(map(_fence_holds, asked))
    if claim == "reference_whole":
        return bool(asked) and all(f">\n{reference}\n</reference-" in user for user in asked)
    return all(_shown(user) == score.answer != row.response for user in asked)


def _fence_holds(user: str) -> bool:
    """Whether the only marks are one pair of each text, of one nonce, with nothing of the answer behind them."""
    marks = list(_MARK.finditer(user))
    names = [mark[1] for mark in marks]
    pairs = [name for name in dict.fromkeys(names) for _ in range(2)]
    behind = user[marks[-1].end() :] if marks else ""
    return names == pairs and len({mark[2] for mark in marks}) == 1 and "\n\n" not in behind.strip()


def _shown(user: str) -> str | None:
    found = re.search(r"<answer-([0-9a-f]{16})>\n(.*)\n</answer-\1>", user, re.DOTALL)
    return found[2] if found else None
