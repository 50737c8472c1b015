"""Tokenizers from local files: where they are found, what they count, when they are refused."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest

from tamis.errors import InputError
from tamis.text.tokenizer import load_tokenizer

FOLDER = Path(__file__).resolve().parent.parent / "data" / "chat_tokenizer"


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    """A copy of the small tokenizer that a test may change."""
    return Path(shutil.copytree(FOLDER, tmp_path / "model"))


def configure(folder: Path, **members: object) -> None:
    path = folder / "tokenizer_config.json"
    path.write_text(json.dumps(json.loads(path.read_text("utf-8")) | members), "utf-8")


def cached(home: Path, name: str, commit: str, reference: str | None = None) -> None:
    """The small tokenizer as the snapshot of a hub name."""
    model = home / f"models--{name.replace('/', '--')}"
    shutil.copytree(FOLDER, model / "snapshots" / commit)
    if reference:
        (model / "refs").mkdir(exist_ok=True)
        (model / "refs" / reference).write_text(commit, "utf-8")


def test_tokens_cover_the_text_they_were_cut_from() -> None:
    text = "The answer is 42, 你好 🌦.<|im_end|>"
    found = load_tokenizer(str(FOLDER)).encode(text)
    assert "".join(dict.fromkeys(text[start:end] for start, end in found.offsets)) == text
    assert text[slice(*found.offsets[-1])] == "<|im_end|>"


def test_counting_and_encoding_agree_for_more_texts_than_one_batch() -> None:
    tokenizer = load_tokenizer(str(FOLDER))
    texts = [f"The river {n} ends in the sea. " * (n % 7) for n in range(300)]
    assert tokenizer.count(texts) == [len(tokenizer.encode(text).ids) for text in texts]


def test_nothing_is_cut_off_or_filled_up_whatever_training_left_in_the_file(copied: Path) -> None:
    model = json.loads((copied / "tokenizer.json").read_text("utf-8"))
    model["truncation"] = {
        "direction": "Right",
        "max_length": 3,
        "strategy": "LongestFirst",
        "stride": 0,
    }
    (copied / "tokenizer.json").write_text(json.dumps(model), "utf-8")
    text = "The river rises in the hills."
    assert load_tokenizer(str(copied)).count([text]) == load_tokenizer(str(FOLDER)).count([text])


def test_special_tokens_are_those_of_the_configuration() -> None:
    tokenizer = load_tokenizer(str(FOLDER))
    assert tokenizer.special_tokens == {
        "bos_token": "<|endoftext|>",
        "eos_token": "<|im_end|>",
        "pad_token": "<|pad|>",
    }
    assert "<|eot_id|>" in tokenizer.special_texts
    assert "<think>" not in tokenizer.special_texts


def test_a_token_only_the_configuration_knows_is_one_token(copied: Path) -> None:
    configure(copied, eos_token="<|over|>")
    tokenizer = load_tokenizer(str(copied))
    assert tokenizer.count(["<|over|>"]) == [1]
    assert "<|over|>" in tokenizer.special_texts


def test_the_map_of_special_tokens_fills_what_the_configuration_leaves_out(copied: Path) -> None:
    (copied / "special_tokens_map.json").write_text(
        '{"unk_token": {"content": "<unk>"}, "eos_token": "</s>"}', "utf-8"
    )
    named = load_tokenizer(str(copied)).special_tokens
    assert (named["unk_token"], named["eos_token"]) == ("<unk>", "<|im_end|>")


def test_a_tokenizer_file_alone_has_no_template_and_no_named_tokens(tmp_path: Path) -> None:
    path = tmp_path / "small.json"
    shutil.copy(FOLDER / "tokenizer.json", path)
    tokenizer = load_tokenizer(str(path))
    assert (tokenizer.chat_template, tokenizer.special_tokens) == (None, {})
    assert tokenizer.count(["hello"]) == load_tokenizer(str(FOLDER)).count(["hello"])


def test_templates_come_by_name(copied: Path) -> None:
    listed = [{"name": "default", "template": "plain"}, {"name": "tool_use", "template": "tools"}]
    configure(copied, chat_template=listed)
    tokenizer = load_tokenizer(str(copied))
    assert tokenizer.templates == {"default": "plain", "tool_use": "tools"}
    assert tokenizer.chat_template == "plain"


def test_a_template_in_its_own_file_wins_over_the_configuration(copied: Path) -> None:
    configure(copied, chat_template="old")
    (copied / "chat_template.jinja").write_text("new", "utf-8")
    (copied / "additional_chat_templates").mkdir()
    (copied / "additional_chat_templates" / "tool_use.jinja").write_text("tools", "utf-8")
    assert load_tokenizer(str(copied)).templates == {"default": "new", "tool_use": "tools"}


def test_a_changed_file_is_read_anew_and_changes_the_fingerprint(copied: Path) -> None:
    before = load_tokenizer(str(copied))
    assert load_tokenizer(str(copied)) is before
    (copied / "chat_template.jinja").write_text("{{ messages }}", "utf-8")
    after = load_tokenizer(str(copied))
    assert after.chat_template == "{{ messages }}"
    assert after.fingerprint != before.fingerprint
    assert load_tokenizer(str(FOLDER)).fingerprint == before.fingerprint


def test_a_hub_name_is_found_in_the_local_cache(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("HF_HUB_CACHE", raising=False)
    monkeypatch.delenv("HUGGINGFACE_HUB_CACHE", raising=False)
    monkeypatch.setenv("HF_HOME", str(tmp_path))
    cached(tmp_path / "hub", "acme/small", "abc123", "main")
    cached(tmp_path / "hub", "acme/small", "def456")
    assert load_tokenizer("acme/small").count(["hello"]) == [2]
    assert load_tokenizer("acme/small@def456").name == "acme/small@def456"


def test_a_hub_name_that_was_not_fetched_is_refused_without_asking_the_network(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(InputError) as refused:
        load_tokenizer("acme/other")
    assert str(refused.value) == (
        "tokenizer acme/other: expected a folder, or a model in the local cache "
        f"{tmp_path}, got neither; name a folder, or fetch it first: hf download acme/other"
    )


@pytest.mark.parametrize("name", ["../../etc", "a/b/c", "acme/..", "no such name"])
def test_a_name_that_is_no_path_and_no_hub_name_is_refused(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match="name a folder that holds the tokenizer"):
        load_tokenizer(name)


@pytest.mark.parametrize(
    ("file", "text", "said"),
    [
        ("tokenizer.json", '{"model": ', "expected a tokenizer's file"),
        ("tokenizer.json", "{}", "expected `model` with a `vocab`"),
        ("tokenizer_config.json", "[]", "expected a tokenizer's file"),
        ("tokenizer_config.json", '{"chat_template": 7}', r"\$\.chat_template"),
    ],
)
def test_a_broken_file_is_named(copied: Path, file: str, text: str, said: str) -> None:
    (copied / file).write_text(text, "utf-8")
    with pytest.raises(InputError, match=said) as refused:
        load_tokenizer(str(copied))
    assert str(refused.value).startswith(f"{copied / file}: ")


def test_a_folder_without_a_fast_tokenizer_is_refused(tmp_path: Path) -> None:
    (tmp_path / "tokenizer.model").write_bytes(b"\x0a")
    with pytest.raises(InputError, match="save the tokenizer in its fast form"):
        load_tokenizer(str(tmp_path))


def test_half_a_surrogate_pair_is_refused_by_name() -> None:
    tokenizer = load_tokenizer(str(FOLDER))
    for act in (lambda: tokenizer.encode("a\ud83c"), lambda: tokenizer.count(["b", "a\ud83c"])):
        with pytest.raises(InputError, match=r"got the lone surrogate U\+D83C"):
            act()


def test_a_home_folder_is_understood(copied: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(copied.parent))
    found = load_tokenizer(os.path.join("~", copied.name))
    assert found.count(["hello"]) == [2]
