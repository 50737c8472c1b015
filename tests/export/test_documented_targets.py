"""What is written for OpenAI, open-instruct, prime-rl and NeMo-Gym, and what is refused by name."""

from __future__ import annotations

import json
import subprocess
import tomllib
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from tamis.errors import InputError
from tamis.export.targets import nemo_gym, open_instruct, openai, prime_rl
from tamis.export.targets.base import Handover, Target
from tamis.formats.registry import get_format
from tamis.records import (
    Conversation,
    Message,
    Preference,
    Question,
    Reference,
    RewardSpec,
    ToolCall,
)
from tamis.rewards.numeric import NumericReward
from tamis.schema import Kind

TARGETS = [openai.TARGET, open_instruct.TARGET, prime_rl.TARGET, nemo_gym.TARGET]
SHAPES = [
    pytest.param(target, kind, id=f"{target.name} {kind}")
    for target in TARGETS
    for kind in target.shapes
]
FLAT_TOOL = '[{"name": "find", "description": "Finds.", "parameters": {"type": "object"}}]'
TOOL = f'[{{"type": "function", "function": {FLAT_TOOL[1:-1]}}}]'
ASK = Message(role="user", content="What is 2+2?")
SAY = Message(role="assistant", content="4")
SYSTEM = Message(role="system", content="Be brief.")


def call(arguments: str, id_: str | None = "c0") -> Message:
    """A reply that calls."""
    return Message(
        role="assistant", tool_calls=[ToolCall(name="find", arguments=arguments, id=id_)]
    )


def result(id_: str | None = "c0") -> Message:
    """What a call gave back."""
    return Message(role="tool", content="46.9", tool_call_id=id_)


def question(answer: str | None = "4", parameters: str | None = None, **fields: Any) -> Question:
    """A question with a numeric reward."""
    return Question(
        id="q0",
        prompt=fields.pop("prompt", [ASK]),
        reward=RewardSpec(name=fields.pop("reward", "numeric"), parameters=parameters),
        reference=Reference(answer=answer, solution=None if answer else "#### 12"),
        **fields,
    )


def preference(chosen: Message, rejected: Message) -> Preference:
    """Two single replies to one question."""
    return Preference(prompt=[ASK], chosen=[chosen], rejected=[rejected])


def row(target: Target, kind: Kind, record: Any) -> dict[str, Any]:
    """The record as the target writes it, decoded as its reader sees it."""
    shape = target.shapes[kind]
    write, adapt = get_format(shape.format).write, shape.adapt
    assert write is not None and adapt is not None
    written = adapt(write(msgspec.to_builtins(record)))
    decoded: dict[str, Any] = json.loads(msgspec.json.encode(written))
    return decoded


def verdict(target: Target, kind: Kind, written: dict[str, Any]) -> str:
    """What the target's replay says of one row."""
    assert target.replay is not None
    return target.replay(kind, [written])[0].verdict


def files(target: Target, kind: Kind) -> dict[str, str]:
    """The files beside the rows."""
    handover = Handover(
        kind=kind,
        n_rows=40,
        file=target.shapes[kind].file,
        model="a model's name",
        max_tokens=2048,
        rewards=(("numeric", None),) if kind == "questions" else (),
    )
    return target.files(handover)


PLAIN: dict[Kind, list[Any]] = {
    "conversations": [
        Conversation(messages=[SYSTEM, ASK, SAY]),
        Conversation(messages=[ASK, SAY, ASK, SAY]),
    ],
    "preferences": [preference(SAY, Message(role="assistant", content="5"))],
    "questions": [question(), question(prompt=[SYSTEM, ASK])],
}


@pytest.mark.parametrize(("target", "kind"), SHAPES)
def test_written_rows_are_taken_by_the_replay(target: Target, kind: Kind) -> None:
    rows = [row(target, kind, record) for record in PLAIN[kind]]
    assert {verdict(target, kind, one) for one in rows} == {"accepted"}


@pytest.mark.parametrize(("target", "kind"), SHAPES)
def test_the_files_beside_the_rows_are_whole(target: Target, kind: Kind) -> None:
    for name, text in files(target, kind).items():
        if name.endswith(".sh"):
            checked = subprocess.run(
                ["bash", "-n"], input=text, text=True, capture_output=True, check=False
            )
            assert checked.stderr == ""
            assert text.startswith("#!") and "  \\\n\n" not in text
        elif name.endswith(".py"):
            compile(text, name, "exec")
        elif name.endswith(".toml"):
            assert tomllib.loads(text)["model"]["name"] == "a model's name"


def test_openai_rows_keep_weights_calls_and_tools() -> None:
    first = Message(role="assistant", content="3", train=False)
    messages = [ASK, first, ASK, call('{"a": 1}'), result(), SAY]
    written = row(openai.TARGET, "conversations", Conversation(messages=messages, tools=TOOL))
    assert written["messages"][1] == {"role": "assistant", "content": "3", "weight": 0}
    assert written["messages"][3]["tool_calls"] == [
        {"id": "c0", "type": "function", "function": {"name": "find", "arguments": '{"a": 1}'}}
    ]
    assert written["tools"] == json.loads(TOOL)
    assert written["parallel_tool_calls"] is True
    assert verdict(openai.TARGET, "conversations", written) == "accepted"


def test_an_openai_question_turns_system_into_developer_and_carries_its_answer() -> None:
    written = row(openai.TARGET, "questions", question(answer=None, prompt=[SYSTEM, ASK]))
    assert [turn["role"] for turn in written["messages"]] == ["developer", "user"]
    assert written["reference_answer"] == "#### 12"


def test_a_nemo_gym_tool_says_strict_without_which_the_row_is_skipped() -> None:
    written = row(nemo_gym.TARGET, "questions", question(tools=FLAT_TOOL))
    [tool] = written["responses_create_params"]["tools"]
    assert tool["strict"] is None
    assert verdict(nemo_gym.TARGET, "questions", written) == "accepted"


@pytest.mark.parametrize(
    ("gold", "truth"),
    [("$7$", "7"), (r"\(\boxed{\frac{1}{2}}\)", r"\frac{1}{2}"), ("$7 or $8", "$7 or $8")],
)
def test_open_instruct_s_math_gets_a_reference_that_stands_in_nothing(
    gold: str, truth: str
) -> None:
    written = row(open_instruct.TARGET, "questions", question(reward="math", answer=gold))
    assert (written["dataset"], written["ground_truth"]) == ("math", truth)


def test_a_prime_rl_question_says_what_its_taskset_grades_with() -> None:
    own = json.loads(row(prime_rl.TARGET, "questions", question())["info"])["tamis"]
    assert own == {"id": "q0", "reward": {"name": "numeric"}, "reference": {"answer": "4"}}


def test_prime_rl_arguments_stay_the_text_that_its_author_wrote() -> None:
    messages = [ASK, call('{"a":1.0,  "b": "7"}'), result(), SAY]
    written = row(prime_rl.TARGET, "conversations", Conversation(messages=messages, tools=TOOL))
    function = written["messages"][1]["tool_calls"][0]["function"]
    assert function["arguments"] == '{"a":1.0,  "b": "7"}'


def conversation(*messages: Message, tools: str | None = None) -> Conversation:
    """These messages as a row."""
    return Conversation(messages=list(messages), tools=tools)


THOUGHT = Message(role="assistant", content="4", reasoning="Two and two.")
UNTRAINED = Message(role="assistant", content="4", train=False)
REFUSED: list[tuple[Target, Kind, Any, str]] = [
    (openai.TARGET, "conversations", conversation(ASK, THOUGHT), "--flatten reasoning"),
    (openai.TARGET, "conversations", conversation(ASK, SAY, result(None)), "tool_call_id"),
    (openai.TARGET, "conversations", conversation(ASK, call("{}", None)), "tool_calls.id"),
    (
        openai.TARGET,
        "conversations",
        conversation(Message(role="user", content="hi", train=True), SAY),
        "weight: expected a flag on replies only",
    ),
    (
        openai.TARGET,
        "preferences",
        Preference(prompt=[ASK], chosen=[SAY, ASK, SAY], rejected=[SAY]),
        "expected one message",
    ),
    (openai.TARGET, "questions", question(reward="math"), "grader.json can grade"),
    (openai.TARGET, "questions", question(parameters='{"last_number":true}'), "parameters"),
    (open_instruct.TARGET, "conversations", conversation(ASK, SAY, tools=TOOL), "tools"),
    (open_instruct.TARGET, "conversations", conversation(ASK, SAY, result()), "got tool"),
    (open_instruct.TARGET, "conversations", conversation(ASK, UNTRAINED), "trains on all replies"),
    (open_instruct.TARGET, "questions", question(reward="vibes"), "verifier"),
    (open_instruct.TARGET, "questions", question(answer="-5"), "never finds it"),
    (open_instruct.TARGET, "questions", question(answer="1,000"), "never finds it"),
    (
        open_instruct.TARGET,
        "questions",
        question(reward="math", parameters='{"strict":true}'),
        "take none",
    ),
    (prime_rl.TARGET, "conversations", conversation(ASK, call('{"a": null}')), "expected no null"),
    (prime_rl.TARGET, "conversations", conversation(ASK, call("a=1")), "expected a JSON object"),
    (prime_rl.TARGET, "conversations", conversation(ASK, UNTRAINED), "trains on all replies"),
    (prime_rl.TARGET, "questions", question(tools=TOOL), "tools"),
    (nemo_gym.TARGET, "questions", question(prompt=[SYSTEM]), "expected a turn of the user"),
]


@pytest.mark.parametrize(
    ("target", "kind", "record", "told"),
    REFUSED,
    ids=[f"{one[0].name}: {one[3]}" for one in REFUSED],
)
def test_what_a_trainer_cannot_hold_is_refused_by_name(
    target: Target, kind: Kind, record: Any, told: str
) -> None:
    with pytest.raises(InputError, match=told):
        row(target, kind, record)


@pytest.mark.parametrize("target", [prime_rl.TARGET, nemo_gym.TARGET], ids=["prime-rl", "nemo-gym"])
def test_a_question_without_a_reward_is_refused(target: Target) -> None:
    with pytest.raises(InputError, match="reward: expected the name of a reward"):
        row(target, "questions", Question(id="q0", prompt=[ASK], reference=Reference(answer="4")))


def grade() -> Callable[[dict[str, Any], dict[str, Any]], float]:
    """The function of `grader.json`, as OpenAI would run it."""
    source = json.loads(files(openai.TARGET, "questions")["grader.json"])["source"]
    space: dict[str, Any] = {}
    exec(compile(source, "grader.py", "exec"), space)
    found: Callable[[dict[str, Any], dict[str, Any]], float] = space["grade"]
    return found


# (reference, answer): what the grader reads as Tamis does
READ = [
    ("7", "\\boxed{7}"),
    ("7", "So the answer is 7."),
    ("7", "So the answer is **7**."),
    ("-7", "The answer is -7"),
    ("1/2", "\\boxed{\\frac{1}{2}}"),
    ("0.5", "\\boxed{1/2}"),
    ("1,000", "Answer: $1000"),
    ("1000", "#### 1,000"),
    ("#### 12", "\\boxed{12}"),
    ("7", "<think>5</think>\\boxed{7}"),
    ("7", "\\boxed{3} then \\boxed{7}"),
    ("7", "\\boxed{7.0005}"),
    ("7", "the answer is 7 or 8"),
    ("7", "the answer is 7 + 1"),
    ("7", "the answer is 70"),
    ("7", "The answer is 3. No, the answer is 7."),
    ("7", "<think>the answer is 7"),
    ("7", "\\boxed{7"),
    ("7", "7"),
    ("7", ""),
    ("7", "the answer is 7.5"),
    ("7", "the answer is not 7"),
]
# where it is stricter, as it says of itself
NOT_READ = [("7", "\\boxed{7 apples}"), ("1.5", "\\boxed{1 1/2}"), ("1000", "\\boxed{1e3}")]


@pytest.mark.parametrize(("reference", "answer"), READ)
def test_the_openai_grader_scores_as_the_numeric_reward_does(reference: str, answer: str) -> None:
    asked = Question(prompt=[ASK], reference=reference_of(reference))
    wanted = NumericReward().score(answer, asked).value
    assert grade()({"output_text": answer}, {"reference_answer": reference}) == wanted


@pytest.mark.parametrize(("reference", "answer"), NOT_READ)
def test_the_openai_grader_scores_0_for_numbers_it_says_it_does_not_read(
    reference: str, answer: str
) -> None:
    assert NumericReward().score(answer, question(reference)).value == 1.0
    assert grade()({"output_text": answer}, {"reference_answer": reference}) == 0.0


def reference_of(text: str) -> Reference:
    return Reference(solution=text) if "####" in text else Reference(answer=text)
