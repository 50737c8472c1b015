"""Users' functions in every form; a row that hangs, dies or raises loses no other row."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tamis.errors import RewardError
from tamis.rewards.audit.calling import Limits
from tamis.rewards.audit.cases import Case, answer_case, other_answer, right_answers
from tamis.rewards.audit.engine import Settings, audit
from tamis.rewards.audit.probing import find_fit
from tamis.rewards.audit.rows import load_attacks, load_honest
from tamis.rewards.audit.spelling import SPELLINGS
from tamis.rewards.audit.target import Options, open_target

ODD = Path(__file__).parent / "snippets" / "odd_rewards.py"
BARE = Settings(n_variants=0)
QUICK = Limits(call_s=2.0)
FORMS = {
    "sound": "plain",
    "swapped": "plain",
    "by_place": "plain",
    "awaited": "plain",
    "prints": "plain",
    "with_parts": "plain",
    "trl_text": "trl",
    "SwiftLike": "trl",
    "openrlhf": "openrlhf",
    "minus_one_to_ten": "verl",
}


def _cases(n: int) -> list[Case]:
    """Right answers in boxes."""
    rows = [row for row in load_honest() if row.notation == "integer"][:n]
    return [right_answers(answer_case(row), SPELLINGS[:1])[0] for row in rows]


@pytest.mark.parametrize("name", FORMS)
def test_a_function_is_called_as_its_parameters_tell(name: str) -> None:
    with open_target(f"{ODD}:{name}", Options()) as target:
        fit = find_fit(target, ())
        assert target.form == FORMS[name]
        assert "boxed" in {spelling.name for spelling in fit.spellings}


def test_a_function_that_is_given_messages_is_recognised() -> None:
    with open_target(f"{ODD.parent}/trl_reward.py:accuracy_reward", Options()) as target:
        find_fit(target, ())
        assert target.shape == {"as_messages": True}


def test_any_scale_will_do() -> None:
    found = audit(f"{ODD}:minus_one_to_ten", Options(), BARE)
    sound = audit(f"{ODD}:sound", Options(), BARE)
    paid = [[(f.family, f.paid) for f in one.families if f.paid] for one in (found, sound)]
    assert paid[0] == paid[1]
    assert (found.baselines[0].right, found.baselines[0].wrong) == (10.0, -1.0)


@pytest.mark.parametrize(("name", "failure"), [("hangs", "hung"), ("dies", "died")])
def test_a_row_that_hangs_or_kills_its_process_loses_no_other_row(name: str, failure: str) -> None:
    found = audit(f"{ODD}:{name}", Options(limits=QUICK), BARE)
    sound = audit(f"{ODD}:sound", Options(), BARE)
    long = [row.id for row in load_attacks() if len(row.response) > 40_000 and row.kind == "math"]
    failed = [t.id for group in found.failures for t in group.examples]
    assert {group.failure for group in found.failures} == {failure}
    assert sorted(failed) == sorted(long)
    assert found.honest == sound.honest and found.rejected == sound.rejected


def test_a_row_that_hangs_in_a_batch_is_found_by_asking_one_by_one() -> None:
    cases = _cases(5)
    long = other_answer(cases[0], "x" * 50_000, "long")
    with open_target(f"{ODD}:hangs", Options(limits=QUICK)) as target:
        replies = target.ask([*cases[:2], long, *cases[2:]])
    assert [reply.failure for reply in replies] == [None, None, "hung", None, None, None]
    assert [reply.value for reply in replies if reply.failure is None] == [1.0] * 5


def test_an_error_is_told_with_its_name() -> None:
    found = audit(f"{ODD}:raises", Options(), BARE)
    assert [(group.failure, group.cause) for group in found.failures] == [("raised", "KeyError")]


def test_what_a_reward_prints_is_no_score() -> None:
    with open_target(f"{ODD}:prints", Options()) as target:
        replies = target.ask(_cases(4))
    assert [reply.value for reply in replies] == [1.0] * 4


def test_a_score_that_moves_with_every_call_is_found() -> None:
    found = audit(f"{ODD}:grows_tired", Options(), BARE)
    assert all(way.changed for way in found.stability)


def test_a_reward_that_pays_everything_alike_is_refused() -> None:
    with pytest.raises(RewardError, match="expected a right answer to get more than a wrong one"):
        audit(f"{ODD}:constant", Options(), BARE)


def test_what_is_no_number_is_told() -> None:
    with pytest.raises(RewardError, match=r"no finite number: (str 'right'|float nan)"):
        audit(f"{ODD}:no_number", Options(), BARE)


def test_a_parameter_that_nobody_gives_is_asked_for_and_taken_from_columns() -> None:
    with pytest.raises(RewardError, match="nothing to give as `tokenizer`"):
        audit(f"{ODD}:unknown_parameter", Options(), BARE)
    with open_target(f"{ODD}:unknown_parameter", Options(columns={"tokenizer": "x"})) as target:
        assert target.ask(_cases(1))[0].value == 0.0


def test_the_parameter_of_the_reference_can_be_named() -> None:
    with open_target(f"{ODD}:custom_gold", Options(reference_as="wanted")) as target:
        assert [reply.value for reply in target.ask(_cases(3))] == [1.0] * 3


def test_a_name_that_the_file_does_not_have_is_told_with_those_it_has() -> None:
    with pytest.raises(RewardError, match=r"no `sond` in .*it has boxed, sound"):
        audit(f"{ODD}:sond", Options(), BARE)


def test_parts_that_a_function_returns_are_told() -> None:
    found = audit(f"{ODD}:with_parts", Options(), BARE)
    shares = {part.name: part for part in found.parts}
    assert shares["accuracy"].share == pytest.approx(1.0) and shares["form"].variance == 0.0


class _Service(BaseHTTPRequestHandler):
    """A sound reward as a service, that wants a token and is busy at first."""

    asked: list[Any] = []
    tokens: list[str | None] = []
    busy = 1

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.tokens.append(self.headers.get("Authorization"))
        if _Service.busy:
            _Service.busy -= 1
            self.send_error(503)
            return
        self.asked.append(body)
        scores = [_score(item) for item in body["items"]]
        told = json.dumps({"scores": scores}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(told)))
        self.end_headers()
        self.wfile.write(told)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def _score(item: Any) -> Any:
    answer = (item["question"]["reference"] or {}).get("answer")
    right = answer is not None and item["answer"].endswith(f"\\boxed{{{answer}}}$.")
    return {"value": float(right), "parts": {"accuracy": float(right)}}


@pytest.fixture
def address(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setenv("TAMIS_TOKEN", "secret")
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Service)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}/score"
    server.shutdown()
    server.server_close()
    thread.join()


def test_a_service_is_asked_in_batches_with_its_token(address: str) -> None:
    found = audit(address, Options(), BARE)
    assert found.form == "http" and found.reads[0] == "boxed"
    assert set(_Service.tokens) == {"Bearer secret"}
    assert max(len(body["items"]) for body in _Service.asked) > 1
    item = _Service.asked[0]["items"][0]
    assert set(item) == {"question", "answer"}
    assert set(item["question"]) == {"id", "prompt", "reference", "tools"}


def test_an_address_where_nobody_listens_is_told() -> None:
    with pytest.raises(RewardError, match="expected a service"):
        audit("http://127.0.0.1:9/score", Options(limits=QUICK), BARE)
