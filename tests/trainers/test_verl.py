"""What verl really does with exported folders, and that the recordings of it are still true."""

from __future__ import annotations

import asyncio
import json
import shlex
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from tamis.export.loaders import verl as loader
from tamis.export.targets.verl import TARGET
from tamis.records import Conversation, Question, Reference, RewardSpec

from ..export.code_questions import BODY, HANGING, RIGHT, WRONG, completion, task, ungradable
from ..export.exporting import assistant, clashing, export, user
from .conftest import ROOT

RECORDINGS = ROOT / "tests" / "export" / "recordings"


@pytest.fixture(scope="module")
def recorded_anew(recorder: ModuleType) -> dict[str, Any]:
    return recorder.record("verl")


@pytest.mark.parametrize("kind", sorted(TARGET.shapes))
def test_the_recording_is_what_verl_does(recorded_anew: dict[str, Any], kind: str) -> None:
    told = json.loads((RECORDINGS / f"verl_{kind}.json").read_text(encoding="utf-8"))
    assert recorded_anew[kind] == told


@pytest.fixture
def words() -> Any:
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(str(loader.TINY_TOKENIZER))


def settings(folder: Path, config: str) -> Any:
    """verl's own settings with those that `train.sh` gives; hydra refuses a key that verl has not."""
    from hydra import compose, initialize_config_module

    script = (folder / "train.sh").read_text(encoding="utf-8").replace("$PWD", str(folder))
    said = shlex.split(script, comments=True)
    given = [word for word in said[said.index("-m") + 2 :] if "=" in word]
    with initialize_config_module("verl.trainer.config", version_base=None):
        return compose(config, overrides=given)


def test_the_exported_script_makes_verls_own_trainer_read_what_clashes_in_type(
    tmp_path: Path, words: Any
) -> None:
    from verl.trainer.sft_trainer import create_sft_dataset

    export(TARGET, "conversations", clashing(), tmp_path, model="m", max_tokens=512)
    config = settings(tmp_path, "sft_trainer_engine")
    rows = create_sft_dataset([config.data.train_files], config.data, words, None)
    texts = [words.decode(row["input_ids"]) for row in rows]
    assert '"arguments": {"at": 1, "deep": true}' in texts[0]
    assert '"arguments": {"at": ["one", {"x": 2.5}]}' in texts[1]
    assert '"properties": ["at", 7]' in texts[1]
    assert config.model.lora_alpha == 2 * config.model.lora_rank


def test_a_reply_out_of_the_loss_is_shown_and_not_learned(tmp_path: Path, words: Any) -> None:
    turns = [user("Hi"), assistant("skipped", train=False), user("Again"), assistant("learned")]
    export(
        TARGET, "conversations", [Conversation(messages=turns)], tmp_path, model="m", max_tokens=512
    )
    [row] = loader.load(tmp_path, "conversations", max_tokens=512)["rows"]
    assert row["n_trained"] == len(words("learned<|im_end|>\n")["input_ids"])


def mixed_questions() -> list[Question]:
    """1,000 questions: gradable, without a reference, with one nobody can read, with parameters."""
    specs = [
        RewardSpec(name="numeric"),
        RewardSpec(name="numeric", parameters='{"last_number": true}'),
    ]
    references = [
        Reference(answer="4"),
        None,
        Reference(answer="a poem"),
        Reference(solution="#### 4"),
    ]
    return [
        Question(
            id=f"q{i}", prompt=[user("2+2?")], reward=specs[i % 2], reference=references[i % 4]
        )
        for i in range(1000)
    ]


def test_a_thousand_mixed_questions_give_columns_that_verl_can_log(
    tmp_path: Path, words: Any
) -> None:
    import numpy as np
    from omegaconf import OmegaConf
    from verl.utils.dataset.rl_dataset import RLHFDataset

    export(TARGET, "questions", mixed_questions(), tmp_path, model="m", max_tokens=512)
    config = OmegaConf.create({"cache_dir": str(tmp_path), "filter_overlong_prompts_workers": None})
    rows = RLHFDataset([str(tmp_path / "train.parquet")], words, config)
    manager = loader.reward_manager(tmp_path / "reward.py", words)
    said = [words(text)["input_ids"] for text in ("\\boxed{4}", "So 4", "\\boxed{5}", "")]
    singles = [loader.single(rows[i], said[i % 3]) for i in range(1000)]

    async def score_all() -> list[dict[str, Any]]:
        return await asyncio.gather(*(manager.run_single(single) for single in singles))

    infos = [one["reward_extra_info"] for one in manager.loop.run_until_complete(score_all())]
    # as verl's agent loop does it: the keys of the first row, looked up in every row
    columns = {key: np.array([info[key] for info in infos]) for key in infos[0]}
    assert sorted(columns) == ["acc", "gradable", "pred", "score"]
    assert {tuple(info) for info in infos} == {tuple(infos[0])}
    assert [columns[key].dtype.kind for key in ("score", "acc", "gradable", "pred")] == list("fffU")
    assert columns["gradable"].mean() == 0.5
    assert set(columns["score"][columns["gradable"] == 0.0]) == {0.0}
    assert 0.0 < columns["score"].mean() < 0.5


def test_the_exported_script_of_questions_gives_only_settings_that_verl_has(tmp_path: Path) -> None:
    export(TARGET, "questions", mixed_questions()[:1], tmp_path, model="m", max_tokens=512)
    config = settings(tmp_path, "ppo_trainer")
    assert config.reward.custom_reward_function.path == str(tmp_path / "reward.py")
    assert config.actor_rollout_ref.rollout.n == 8
    assert config.algorithm.adv_estimator == "grpo"


def test_a_prompt_over_the_limit_is_told_as_dropped(tmp_path: Path) -> None:
    spec, reference = RewardSpec(name="numeric"), Reference(answer="4")
    asked = [
        Question(id=text[:2], prompt=[user(text)], reward=spec, reference=reference)
        for text in ("2+2?", "2+2? " * 100)
    ]
    export(TARGET, "questions", asked, tmp_path, model="m", max_tokens=64)
    judged = loader.load(tmp_path, "questions", max_tokens=64)
    assert [row["verdict"] for row in judged["rows"]] == ["accepted", "dropped"]


TWO_OF_THREE = pytest.approx(2 / 3)
# answers to one question, and what verl should hear of each
CODED = [(RIGHT, 1.0), (WRONG, TWO_OF_THREE), (HANGING, TWO_OF_THREE), (BODY, 1.0), ("", 0.0)]


def answers_to(folder: Path, words: Any) -> Any:
    """The answers `CODED` to exported code questions, and one that cannot be graded, as verl batches them."""
    import torch
    from omegaconf import OmegaConf
    from verl import DataProto
    from verl.utils.dataset.rl_dataset import RLHFDataset, collate_fn

    questions = [completion()] * len(CODED) + [ungradable()]
    export(TARGET, "questions", questions, folder, model="m", max_tokens=512)
    config = OmegaConf.create({"cache_dir": str(folder), "filter_overlong_prompts_workers": None})
    rows = RLHFDataset([str(folder / "train.parquet")], words, config)
    said = [words(text)["input_ids"] for text in (*(text for text, _ in CODED), RIGHT)]
    length = max(map(len, said))
    batch = collate_fn([rows[place] for place in range(len(said))])
    batch["responses"] = torch.tensor([ids + [0] * (length - len(ids)) for ids in said])
    batch["attention_mask"] = torch.tensor(
        [[1] * len(ids) + [0] * (length - len(ids)) for ids in said]
    )
    return DataProto.from_single_dict(batch)


def check_told(found: list[dict[str, Any]]) -> None:
    """Rewards and logged columns are those of `CODED`, then of the question without tests."""
    infos = [one["reward_extra_info"] for one in found]
    assert {tuple(info) for info in infos} == {("score", "acc", "gradable", "pred")}
    assert [one["reward_score"] for one in found] == [*(score for _, score in CODED), 0.0]
    assert [info["gradable"] for info in infos] == [1.0] * len(CODED) + [0.0]
    assert [info["acc"] for info in infos] == [1.0, 0.0, 0.0, 1.0, 0.0, 0.0]


def test_verls_reward_manager_has_code_graded_in_its_threads(tmp_path: Path, words: Any) -> None:
    batch = answers_to(tmp_path, words)
    manager = loader.reward_manager(tmp_path / "reward.py", words)

    async def score_all() -> list[dict[str, Any]]:
        singles = [batch[place : place + 1] for place in range(len(batch))]
        return await asyncio.gather(*(manager.run_single(single) for single in singles))

    check_told(manager.loop.run_until_complete(score_all()))


def test_verls_reward_loop_worker_calls_the_exported_function(tmp_path: Path, words: Any) -> None:
    from verl.experimental.reward_loop.reward_loop import RewardLoopWorker

    batch = answers_to(tmp_path, words)
    config = settings(tmp_path, "ppo_trainer")
    config.actor_rollout_ref.model.path = str(loader.TINY_TOKENIZER)
    worker = RewardLoopWorker(config)
    check_told(worker.loop.run_until_complete(worker.compute_score_batch(batch)))


def test_exported_code_questions_are_taken_whole(tmp_path: Path) -> None:
    asked = [completion(), task(None), ungradable()]
    export(TARGET, "questions", asked, tmp_path, model="m", max_tokens=512)
    judged = loader.load(tmp_path, "questions", max_tokens=512)
    assert [row["verdict"] for row in judged["rows"]] == ["accepted"] * 3
