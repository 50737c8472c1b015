"""Rows and files for LLaMA-Factory, axolotl, ms-swift and OpenRLHF: what is written, refused, graded."""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pyarrow.parquet as pq
import pytest

from tamis.errors import InputError
from tamis.export.targets import axolotl, llamafactory, ms_swift, openrlhf
from tamis.export.targets.base import Handover

from .factory_rows import TARGETS, TOOLS, export, written_rows

GOOD = Path(__file__).parent / "good"
KINDS = [(name, kind) for name, target in TARGETS.items() for kind in target.shapes]
ASKED = {"role": "user", "content": "?"}
CALL = {"type": "function", "function": {"name": "f", "arguments": '{"x": 2.50}'}}
OUT_OF_LOSS = [ASKED, {"role": "assistant", "content": "!", "weight": 0}]


def content(path: Path) -> Any:
    """What a file says; of Parquet the rows, since its bytes name the library that wrote it."""
    return pq.read_table(path) if path.suffix == ".parquet" else path.read_text(encoding="utf-8")


@pytest.mark.parametrize(("trainer", "kind"), KINDS)
def test_the_export_is_the_folder_that_the_trainer_itself_has_loaded(
    tmp_path: Path, trainer: str, kind: Any
) -> None:
    export(TARGETS[trainer], kind, tmp_path)
    good = GOOD / f"{trainer}_{kind}"
    files = sorted(path.relative_to(good) for path in good.rglob("*") if path.is_file())
    assert files == sorted(
        path.relative_to(tmp_path) for path in tmp_path.rglob("*") if path.is_file()
    )
    for file in files:
        assert content(tmp_path / file) == content(good / file), file


@pytest.mark.parametrize(("trainer", "kind"), KINDS)
def test_the_replay_accepts_every_row_of_a_good_folder(trainer: str, kind: Any) -> None:
    target = TARGETS[trainer]
    assert target.replay is not None
    verdicts = target.replay(kind, written_rows(target, kind))
    assert {said.verdict for said in verdicts} == {"accepted"}


def test_llamafactory_writes_reasoning_text_and_parallel_calls_into_one_turn() -> None:
    said = {
        "role": "assistant",
        "content": "I look.",
        "reasoning_content": "Hm.",
        "tool_calls": [CALL, CALL],
    }
    results = [{"role": "tool", "content": text} for text in ("1", "2")]
    row = llamafactory.conversation_row({"messages": [ASKED, said, *results]})
    assert row["conversations"][1:] == [
        {
            "from": "function_call",
            "value": "<think>\nHm.\n</think>\n\nI look.<tool_call>"
            '[{"name":"f","arguments":{"x": 2.50}}, {"name":"f","arguments":{"x": 2.50}}]</tool_call>',
        },
        {"from": "observation", "value": "1\n2"},
    ]


def test_ms_swift_writes_each_call_as_a_message_of_its_own() -> None:
    said = {"role": "assistant", "content": None, "tool_calls": [CALL, CALL], "weight": 0}
    row = ms_swift.conversation_row({"messages": [ASKED, said]})
    call = {"role": "tool_call", "content": '{"name":"f","arguments":{"x": 2.50}}', "loss": False}
    assert json.loads(row["messages"]) == [ASKED, call, call]


def test_axolotl_turns_a_loss_flag_into_the_key_its_config_names(tmp_path: Path) -> None:
    row = axolotl.conversation_row({"messages": OUT_OF_LOSS})
    assert json.loads(row["messages"])[1] == {"role": "assistant", "content": "!", "train": False}
    export(TARGETS["axolotl"], "conversations", tmp_path)
    assert "message_field_training: train\n" in (tmp_path / "config.yaml").read_text()


@pytest.mark.parametrize("target", [llamafactory, openrlhf])
def test_a_reply_out_of_the_loss_is_refused_where_the_trainer_knows_no_flag(target: Any) -> None:
    with pytest.raises(InputError, match=r"messages\[1\]\.weight: .* trains on all replies"):
        target.conversation_row({"messages": OUT_OF_LOSS})


@pytest.mark.parametrize(
    "adapt", [openrlhf.conversation_row, openrlhf.preference_row, axolotl.preference_row]
)
def test_tools_are_refused_where_the_trainer_never_shows_them(adapt: Any) -> None:
    row = {"messages": [ASKED], "prompt": "?", "chosen": "a", "rejected": "b", "tools": TOOLS}
    with pytest.raises(InputError, match=r"tools: .* never passes tools to the chat template"):
        adapt(row)


@pytest.mark.parametrize(
    ("said", "fault"),
    [
        ({"tool_calls": [CALL]}, r"chosen\[0\]\.tool_calls: expected none"),
        ({"reasoning_content": "Hm."}, r"chosen\[0\]\.reasoning_content: expected none"),
        ({"content": ""}, r"chosen\[0\]\.content: expected text"),
        ({"content": None}, r"chosen\[0\]\.content: expected text"),
    ],
)
def test_axolotl_dpo_refuses_what_its_loader_drops_or_mangles(said: Any, fault: str) -> None:
    chosen = [{"role": "assistant", "content": "a", **said}]
    with pytest.raises(InputError, match=fault):
        axolotl.preference_row({"prompt": [ASKED], "chosen": chosen, "rejected": "b"})


@pytest.mark.parametrize("adapt", [llamafactory.preference_row, axolotl.preference_row])
def test_a_side_of_several_messages_is_refused_where_one_is_read(adapt: Any) -> None:
    several = [{"role": "assistant", "content": "a"}, ASKED]
    with pytest.raises(InputError, match=r"chosen: expected one message, got 2"):
        adapt({"prompt": "?", "chosen": several, "rejected": "b"})


def test_arguments_that_are_no_object_are_refused_by_name() -> None:
    call = {"type": "function", "function": {"name": "f", "arguments": "x=1"}}
    said = {"role": "assistant", "content": None, "tool_calls": [call]}
    where = r"messages\[1\]\.tool_calls\[0\]\.arguments: expected a JSON object"
    for target in (llamafactory, ms_swift):
        with pytest.raises(InputError, match=where):
            target.conversation_row({"messages": [ASKED, said]})


def test_llamafactory_s_template_is_left_for_the_user_to_name() -> None:
    files = llamafactory.TARGET.files(
        Handover(kind="conversations", n_rows=1, file="x", model="Qwen/Qwen3-8B", max_tokens=8)
    )
    assert "\ntemplate:\n" in files["train.yaml"]


def module_of(path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The module of an exported script."""
    spec = importlib.util.spec_from_file_location(f"exported_{path.parent.name}", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, spec.name, module)
    spec.loader.exec_module(module)
    return module


def rows_of(folder: Path) -> list[dict[str, Any]]:
    """The exported questions of a folder."""
    lines = (folder / "data" / "train.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


def test_the_reward_of_openrlhf_scores_the_answer_behind_the_prompt(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    reward = module_of(GOOD / "openrlhf_questions" / "reward.py", monkeypatch).reward_func
    asked = [{"role": "user", "content": "Is it \\boxed{4}?"}]
    label = {
        "question_id": "q",
        "reward_name": "numeric",
        "reward_parameters": None,
        "prompt": asked,
    }
    graded = json.dumps({**label, "reference": '{"answer": "4"}'})
    prompt = "<|im_start|>user\nIs it \\boxed{4}?<|im_end|>\n<|im_start|>assistant\n"
    right = reward([prompt + "\\boxed{4}<|im_end|>"], [prompt], [graded])
    assert right == {
        "rewards": 1.0,
        "scores": 1.0,
        "extra_logs": {"not_gradable": 0.0, "accuracy": 1.0},
    }
    assert reward([prompt + "\\boxed{5}<|im_end|>"], [prompt], [graded])["rewards"] == 0.0
    assert reward([prompt + "no idea"], [prompt], [graded])["rewards"] == 0.0
    ungraded = reward([prompt + "4"], [prompt], [json.dumps({**label, "reference": None})])
    assert ungraded == {
        "rewards": 0.0,
        "scores": 0.0,
        "extra_logs": {"not_gradable": 1.0, "accuracy": 0.0},
    }


def test_the_reward_of_ms_swift_asks_each_row_for_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    plugins: dict[str, Any] = {}
    swift = SimpleNamespace(ORM=object, orms=plugins)
    monkeypatch.setitem(sys.modules, "swift", ModuleType("swift"))
    monkeypatch.setitem(sys.modules, "swift.rewards", swift)  # type: ignore[arg-type]
    folder = GOOD / "ms_swift_questions"
    module_of(folder / "reward.py", monkeypatch)
    rows = rows_of(folder)
    columns = {key: [row[key] for row in rows] for key in rows[0]}
    # its loader decodes them, and the trainer puts the completion behind
    columns["messages"] = [
        [*json.loads(text), {"role": "assistant", "content": "?"}] for text in columns["messages"]
    ]
    scores = plugins["tamis"]()(["\\boxed{4}", "I guess 12"], **columns)
    assert scores == [1.0, 1.0]
    columns["reference"] = [None, columns["reference"][1]]
    assert plugins["tamis"]()(["\\boxed{4}", "no"], **columns) == [None, 0.0]


def test_the_reward_of_axolotl_leaves_rows_of_other_rewards_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    folder = GOOD / "axolotl_questions"
    reward = module_of(folder / "reward.py", monkeypatch).numeric
    rows = rows_of(folder)
    columns = {key: [row[key] for row in rows] for key in rows[0] if key != "prompt"}
    columns["reward_name"] = ["numeric", "other"]
    prompts = [row["prompt"] for row in rows]
    said = [[{"role": "assistant", "content": "\\boxed{4}"}]] * 2
    assert reward(prompts, said, **columns) == [1.0, None]
