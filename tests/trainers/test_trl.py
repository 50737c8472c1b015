"""What TRL really does with exported folders, and that the recordings of it are still true."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from tamis.export.loaders import trl as loader
from tamis.export.targets.trl import TARGET
from tamis.records import Conversation, Preference, Question, Reference, RewardSpec

from ..export.code_questions import completion, task, ungradable
from ..export.exporting import assistant, clashing, export, user
from .conftest import ROOT, module_from

RECORDINGS = ROOT / "tests" / "export" / "recordings"


@pytest.fixture(scope="module")
def recorded_anew(recorder: ModuleType) -> dict[str, Any]:
    return recorder.record("trl")


@pytest.mark.parametrize("kind", sorted(TARGET.shapes))
def test_the_recording_is_what_trl_does(recorded_anew: dict[str, Any], kind: str) -> None:
    told = json.loads((RECORDINGS / f"trl_{kind}.json").read_text(encoding="utf-8"))
    assert recorded_anew[kind] == told


@pytest.fixture
def model(tmp_path: Path) -> str:
    """A folder with a tiny model that says "4" and nothing else, and its tokenizer."""
    import torch
    from transformers import AutoTokenizer

    words = AutoTokenizer.from_pretrained(str(loader.TINY_TOKENIZER))
    tiny = loader.tiny_model(len(words))
    with torch.no_grad():
        # every hidden state is all ones, and only the row of "4" answers to it
        tiny.model.embed_tokens.weight.fill_(1.0)
        for layer in tiny.model.layers:
            layer.self_attn.o_proj.weight.zero_()
            layer.mlp.down_proj.weight.zero_()
        tiny.lm_head.weight.zero_()
        tiny.lm_head.weight[words.convert_tokens_to_ids("4")] = 10.0
    folder = tmp_path / "tiny"
    tiny.save_pretrained(folder)
    words.save_pretrained(folder)
    return str(folder)


@pytest.fixture(autouse=True)
def no_reward_of_another_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each folder's script imports the `reward.py` beside it, not one that another test has loaded."""
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.delitem(sys.modules, "reward", raising=False)


def losses(trainer: Any) -> list[float]:
    return [line["loss"] for line in trainer.state.log_history if "loss" in line]


def test_arguments_and_tools_that_clash_in_type_reach_the_trainer_as_they_were(
    tmp_path: Path,
) -> None:
    from datasets import load_dataset

    export(TARGET, "conversations", clashing(), tmp_path, model="m", max_tokens=512)
    rows = load_dataset("parquet", data_files=str(tmp_path / "train.parquet"), split="train")
    calls = [row["messages"][1]["tool_calls"][0]["function"] for row in rows]
    assert [call["arguments"] for call in calls] == [
        {"at": 1, "deep": True},
        {"at": ["one", {"x": 2.5}]},
    ]
    assert rows[0]["messages"][0] == {"role": "user", "content": "Look."}
    assert json.loads(rows[1]["tools"])[0]["function"]["parameters"]["properties"] == ["at", 7]


def test_the_exported_script_fine_tunes_for_two_steps(tmp_path: Path, model: str) -> None:
    export(TARGET, "conversations", clashing(), tmp_path, model=model, max_tokens=512)
    trainer = module_from(tmp_path / "train.py").main(max_steps=2)
    assert len(losses(trainer)) == 2
    assert (tmp_path / "model" / "adapter_model.safetensors").is_file()


def test_a_conversation_whose_question_fills_the_limit_is_told_as_dropped(tmp_path: Path) -> None:
    asked = [
        Conversation(messages=[user(text), assistant("Yes.")]) for text in ("Why? " * 50, "Why?")
    ]
    export(TARGET, "conversations", asked, tmp_path, model="m", max_tokens=100)
    judged = loader.load(tmp_path, "conversations", max_tokens=100)
    assert [row["verdict"] for row in judged["rows"]] == ["dropped", "accepted"]


def test_the_exported_script_aligns_for_two_steps(tmp_path: Path, model: str) -> None:
    pair = Preference(
        prompt=[user("2+2?")], chosen=[assistant("4")], rejected=[assistant("four and a half")]
    )
    export(TARGET, "preferences", [pair] * 2, tmp_path, model=model, max_tokens=64)
    trainer = module_from(tmp_path / "train.py").main(max_steps=2)
    assert len(losses(trainer)) == 2
    assert any("rewards/margins" in line for line in trainer.state.log_history)


def test_grpo_logs_our_reward_by_its_name_and_leaves_out_what_cannot_be_graded(
    tmp_path: Path, model: str
) -> None:
    spec = RewardSpec(name="numeric", parameters='{"last_number": true}')
    gradable = Question(id="a", prompt=[user("?")], reward=spec, reference=Reference(answer="4444"))
    ungradable = Question(id="b", prompt=[user("?")], reward=spec)
    export(
        TARGET,
        "questions",
        [gradable, ungradable] * 4,
        tmp_path,
        model=model,
        max_tokens=4,
        rewards=(("numeric", spec.parameters),),
    )
    trainer = module_from(tmp_path / "train.py").main(max_steps=2)
    means = [
        line["rewards/numeric/mean"]
        for line in trainer.state.log_history
        if "rewards/numeric/mean" in line
    ]
    # every answer is 4444: a skipped question leaves the mean at 1, a zero would halve it
    assert means == [1.0, 1.0]


def test_grpo_logs_each_part_of_maths_format_and_length_together(
    tmp_path: Path, model: str
) -> None:
    parts = [
        {"name": "math", "parameters": {"fallback": "last_line"}},
        {"name": "format", "weight": 0.1},
        {"name": "length", "weight": 0.2, "parameters": {"at_most": 8}},
    ]
    spec = RewardSpec(name="combine", parameters=json.dumps({"parts": parts, "gate": "math"}))
    right, wrong = (
        Question(id=answer, prompt=[user("?")], reward=spec, reference=Reference(answer=answer))
        for answer in ("4444", "7")
    )
    export(
        TARGET,
        "questions",
        [right, wrong] * 4,
        tmp_path,
        model=model,
        max_tokens=4,
        rewards=((spec.name, spec.parameters),),
    )
    trainer = module_from(tmp_path / "train.py").main(max_steps=2)
    lines = [line for line in trainer.state.log_history if "rewards/combine/mean" in line]
    logged = [
        "",
        *(f"{part}/" for part in ("accuracy", "math", "math.accuracy", "format", "length")),
        "length.n_tokens/",
    ]
    # two steps of four questions see all eight; which come first is TRL's own draw
    assert len(lines) == 2
    means = {name: sum(line[f"rewards/combine/{name}mean"] for line in lines) for name in logged}
    assert means == pytest.approx(
        {
            "": 1.2,  # half of the answers are right and short, which is worth 1.2
            "accuracy/": 1.0,
            "math/": 1.0,
            "math.accuracy/": 1.0,
            "format/": 0.0,
            "length/": 2.0,  # seen in wrong answers too, though not paid there
            "length.n_tokens/": 2.0,
        }
    )


def logged_means(folder: Path, model: str, questions: list[Question]) -> list[float]:
    """What TRL logs of the reward `code` in two steps over these questions; every answer is 4444."""
    export(
        TARGET,
        "questions",
        questions,
        folder,
        model=model,
        max_tokens=4,
        rewards=(("code", None),),
    )
    trainer = module_from(folder / "train.py").main(max_steps=2)
    name = "rewards/code/mean"
    return [line[name] for line in trainer.state.log_history if name in line]


def coded(prompt: str, **tests: object) -> Question:
    """A question that code answers."""
    return Question(
        id=prompt[:8],
        prompt=[user(prompt)],
        reward=RewardSpec(name="code"),
        reference=Reference(tests=json.dumps(tests)),
    )


# a program that prints nothing, and a body that returns nothing: one of two tests passes
SILENT = coded("Print nothing.", style="stdin", cases=[{"input": "", "output": ""}])
HALF = coded(
    'def number():\n    """Give 4444."""\n',
    style="check",
    entry_point="number",
    code="def check(candidate):\n    assert candidate() is None\n    assert candidate() == 4444\n",
)


def test_grpo_trains_on_code_and_logs_what_its_tests_say(tmp_path: Path, model: str) -> None:
    means = logged_means(tmp_path, model, [SILENT, HALF] * 4)
    # two steps of four questions see all eight; which come first is TRL's own draw
    assert len(means) == 2
    assert sum(means) == pytest.approx(1.0 + 0.5)


def test_grpo_leaves_out_code_without_tests(tmp_path: Path, model: str) -> None:
    means = logged_means(tmp_path, model, [HALF, ungradable()] * 4)
    assert means == [0.5, 0.5]


def test_exported_code_questions_are_taken_whole(tmp_path: Path) -> None:
    asked = [completion(), task(None), ungradable(), SILENT, HALF]
    rewards = tuple((q.reward.name, q.reward.parameters) for q in asked if q.reward)
    export(TARGET, "questions", asked, tmp_path, model="m", max_tokens=512, rewards=rewards)
    judged = loader.load(tmp_path, "questions", max_tokens=512)
    assert [row["verdict"] for row in judged["rows"]] == ["accepted"] * 5
