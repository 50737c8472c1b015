"""A model's tokenizer from files on this machine: how long texts are in its tokens, and where they stand.

Never the network: a hub name is looked up in the local Hugging Face cache only.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import xxhash

from tamis.errors import InputError

_MODEL = "tokenizer.json"
_CONFIG = "tokenizer_config.json"
_SPECIAL = "special_tokens_map.json"
_TEMPLATE = "chat_template.jinja"
_MORE_TEMPLATES = "additional_chat_templates"
# The names under which a template is handed special tokens; read in transformers 5.24.
_NAMED = (
    "bos_token",
    "eos_token",
    "unk_token",
    "sep_token",
    "pad_token",
    "cls_token",
    "mask_token",
)
_HUB_NAME = re.compile(r"[\w.-]+(/[\w.-]+)?(@[\w.-]+)?")
_BATCH_TEXTS = 256

T = TypeVar("T")
Stamp = tuple[str, int, int]


class _AddedToken(msgspec.Struct):
    content: str
    single_word: bool = False
    lstrip: bool = False
    rstrip: bool = False
    normalized: bool = True
    special: bool = False


class _NamedTemplate(msgspec.Struct):
    name: str
    template: str


class _Config(msgspec.Struct):
    """The keys of tokenizer_config.json that decide about tokens and chats; others are allowed."""

    added_tokens_decoder: dict[int, _AddedToken] = {}
    chat_template: str | list[_NamedTemplate] | None = None


class Encoded(msgspec.Struct, frozen=True):
    """The tokens of one text: `ids[i]` covers the characters `offsets[i]` of it, start and end.

    Tokens that share a character of several bytes overlap.
    """

    ids: list[int]
    offsets: list[tuple[int, int]]


class Tokenizer(msgspec.Struct, frozen=True, eq=False, kw_only=True):
    """A tokenizer and what its folder says about chats.

    `special_tokens` are the named ones (`bos_token`: `<s>`); `special_texts` are all texts that stand
    for one special token; `templates` are chat templates by name, `default` among them if there is one.
    `fingerprint` changes whenever a count or a mask may.
    """

    name: str
    special_tokens: dict[str, str]
    special_texts: frozenset[str]
    templates: dict[str, str]
    fingerprint: str
    encoder: Any

    @property
    def chat_template(self) -> str | None:
        """The chat template used when none is asked for by name; None without one."""
        return self.templates.get("default")

    def count(self, texts: Sequence[str]) -> list[int]:
        """How many tokens each text has, as plain text: nothing is put before or after it.

        Raises: InputError for a text that is not Unicode (half of a surrogate pair).
        """
        counts: list[int] = []
        for start in range(0, len(texts), _BATCH_TEXTS):
            some = list(texts[start : start + _BATCH_TEXTS])
            try:
                found = self.encoder.encode_batch_fast(some, add_special_tokens=False)
            except TypeError as error:
                raise self._not_unicode(some) from error
            counts.extend(map(len, found))
        return counts

    def encode(self, text: str) -> Encoded:
        """The tokens of a text and where they stand; nothing is put before or after it.

        Raises: InputError for a text that is not Unicode (half of a surrogate pair).
        """
        try:
            found = self.encoder.encode(text, add_special_tokens=False)
        except TypeError as error:
            raise self._not_unicode([text]) from error
        return Encoded(found.ids, found.offsets)

    def _not_unicode(self, texts: Sequence[str]) -> InputError:
        halves = [sign for text in texts for sign in text if "\ud800" <= sign <= "\udfff"]
        found = f"the lone surrogate U+{ord(halves[0]):04X}" if halves else "something else"
        return InputError(
            f"tokenizer {self.name}: expected Unicode text, got {found}; mend the text first"
        )


def load_tokenizer(name: str) -> Tokenizer:
    """The tokenizer of a folder, a tokenizer.json, or a hub name (`ORG/NAME`, `ORG/NAME@REVISION`).

    A name is a folder or a file if there is one of that name, else it is looked up in the local cache
    (HF_HUB_CACHE, or `hub` in HF_HOME), where `main` is the revision not named. Loaded once as long as
    the files do not change.

    Raises:  InputError when there is none, saying what to do; when a file of it cannot be read.
    Source:  transformers 5.24, `tokenization_utils_base.py` (which file wins, named tokens, templates).
    """
    path = Path(name).expanduser()
    if path.is_file():
        model = path
    elif path.is_dir():
        model = path / _MODEL
    else:
        model = _cached_folder(name) / _MODEL
    if not model.is_file():
        raise InputError(
            f"tokenizer {name}: expected {_MODEL} in {model.parent}, got none; save the tokenizer in "
            "its fast form there"
        )
    return _load(name, model, _stamps(model))


def _cached_folder(name: str) -> Path:
    """The folder of a hub name's snapshot. Source: layout of huggingface_hub 2.4's cache."""
    if not _HUB_NAME.fullmatch(name) or ".." in name:
        raise InputError(
            f"tokenizer {name}: expected a folder, a {_MODEL} or a hub name, got no such path; "
            "name a folder that holds the tokenizer"
        )
    repository, _, revision = name.partition("@")
    home = _hub_cache() / f"models--{repository.replace('/', '--')}"
    reference = home / "refs" / (revision or "main")
    commit = reference.read_text("utf-8").strip() if reference.is_file() else revision
    folder = home / "snapshots" / commit
    if not commit or not folder.is_dir():
        raise InputError(
            f"tokenizer {name}: expected a folder, or a model in the local cache {_hub_cache()}, got "
            f"neither; name a folder, or fetch it first: hf download {repository}"
        )
    return folder


def _hub_cache() -> Path:
    asked = os.environ.get("HF_HUB_CACHE") or os.environ.get("HUGGINGFACE_HUB_CACHE")
    if asked:
        return Path(asked).expanduser()
    general = Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser()
    home = os.environ.get("HF_HOME")
    return (Path(home).expanduser() if home else general / "huggingface") / "hub"


def _stamps(model: Path) -> tuple[Stamp, ...]:
    """Every file that is read, with its time and size: the tokenizer is loaded anew when one differs."""
    files = [model]
    if model.name == _MODEL:
        files += [model.with_name(name) for name in (_CONFIG, _SPECIAL, _TEMPLATE)]
        files += sorted((model.parent / _MORE_TEMPLATES).glob("*.jinja"))
    found = [(path, path.stat()) for path in files if path.is_file()]
    return tuple((str(path), stat.st_mtime_ns, stat.st_size) for path, stat in found)


@lru_cache(maxsize=8)
def _load(name: str, model: Path, stamps: tuple[Stamp, ...]) -> Tokenizer:
    texts = {Path(path): _read(Path(path)) for path, _, _ in stamps}
    inner = _decode(model, texts[model], dict[str, Any]).get("model")
    if not isinstance(inner, dict) or "vocab" not in inner:
        raise InputError(f"{model}: expected `model` with a `vocab`, got none; save it anew")
    place = model.with_name(_CONFIG)
    config = _decode(place, texts.get(place, "{}"), _Config)
    tables = [(path, texts.get(path, "{}")) for path in (place, model.with_name(_SPECIAL))]
    named = _named_tokens([_decode(path, text, dict[str, Any]) for path, text in tables])
    encoder = _encoder(texts[model], config.added_tokens_decoder, named.values())
    added = encoder.get_added_tokens_decoder().values()
    special = {token.content for token in added if token.special} | {*named.values()}
    templates = _templates(model, config, texts)
    parts = [texts[model], *sorted(token.content for token in added), *sorted(special)]
    for table in (named, templates):
        parts += [f"{key}\0{text}" for key, text in sorted(table.items())]
    return Tokenizer(
        name=name,
        special_tokens=named,
        special_texts=frozenset(special),
        templates=templates,
        fingerprint=xxhash.xxh3_128_hexdigest("\1".join(parts).encode()),
        encoder=encoder,
    )


def _read(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: expected UTF-8, got {error.reason}; save it as UTF-8") from error


def _decode(path: Path, text: str, kind: type[T]) -> T:
    try:
        return msgspec.json.decode(text, type=kind)
    except msgspec.DecodeError as error:
        raise InputError(
            f"{path}: expected a tokenizer's file, got: {error}; fetch it anew"
        ) from error


def _named_tokens(tables: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """The text of each named special token, from the first table that has it."""
    named: dict[str, str] = {}
    for table in tables:
        for key in _NAMED:
            text = _token_text(table.get(key))
            if text is not None:
                named.setdefault(key, text)
    return named


def _token_text(token: Any) -> str | None:
    """A token as it is written in a configuration: a text, or an object with its `content`."""
    text = token.get("content") if isinstance(token, dict) else token
    return text if isinstance(text, str) else None


def _encoder(model: str, listed: Mapping[int, _AddedToken], named: Iterable[str]) -> Any:
    """The compiled tokenizer; tokens that only the configuration knows are added, as transformers does."""
    from tokenizers import AddedToken
    from tokenizers import Tokenizer as Encoder

    encoder = Encoder.from_str(model)
    # A length or a padding left by training would make counts lie.
    encoder.no_padding()
    encoder.no_truncation()
    known = {token.content for token in encoder.get_added_tokens_decoder().values()}
    more = {}
    for _, token in sorted(listed.items()):
        more[token.content] = AddedToken(**msgspec.structs.asdict(token))
    for text in named:
        more.setdefault(text, AddedToken(text, special=True))
    encoder.add_tokens([token for text, token in more.items() if text not in known])
    return encoder


def _templates(model: Path, config: _Config, texts: Mapping[Path, str]) -> dict[str, str]:
    """Chat templates by name. Files of their own win over what the configuration holds."""
    files = {path: text for path, text in texts.items() if path.suffix == ".jinja"}
    if files:
        return {
            "default" if path.parent == model.parent else path.stem: text
            for path, text in files.items()
        }
    if isinstance(config.chat_template, str):
        return {"default": config.chat_template}
    return {template.name: template.template for template in config.chat_template or ()}
