"""The roles `calls` and `program`: what honest code may do, and how what it does comes back."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tamis.sandbox.values import encode

from .children import Children


@pytest.fixture(scope="module")
def children() -> Iterator[Children]:
    started = Children()
    yield started
    started.close()


def _values(frames: list[dict[str, Any]]) -> list[Any]:
    return [frame.get("value", frame.get("raised")) for frame in frames if "id" in frame]


def test_each_case_is_answered_in_order_and_then_done(children: Children) -> None:
    frames = children.calls("def f(x):\n    return x * 2", "f(2)", "f((1,))", "f('a')")
    assert frames == [
        {"loaded": True},
        {"id": 0, "value": 4},
        {"id": 1, "value": ["tuple", [1, 1]]},
        {"id": 2, "value": "aa"},
        {"done": True},
    ]


def test_what_a_case_raises_comes_back_by_name_and_the_next_case_runs(children: Children) -> None:
    source = "class Bad(ValueError): pass\ndef f(x):\n    if x: raise Bad('no')\n    return 1"
    frames = children.calls(source, "f(1)", "f(0)")
    names = ["Bad", "ValueError", "Exception", "BaseException"]
    assert _values(frames) == [{"types": names, "message": "no"}, 1]


@pytest.mark.parametrize("leave", ["sys.exit(0)", "exit()", "raise SystemExit", "quit(3)"])
def test_leaving_inside_a_case_is_an_exception_like_any_other(
    children: Children, leave: str
) -> None:
    frames = children.calls(f"import sys, site\ndef f():\n    {leave}", "f()", "1 + 1")
    (raised, two) = _values(frames)
    assert raised["types"][0] in {"SystemExit", "NameError"}  # exit() is site's
    assert two == 2


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("import sys; sys.exit(0)", "SystemExit"),
        ("def f(:", "SyntaxError"),
        ("x = input()", "EOFError"),
        ("1 / 0", "ZeroDivisionError"),
        ("x = '\\0'\n\0", "SyntaxError"),
        ("import no_such_module", "ModuleNotFoundError"),
    ],
)
def test_code_that_does_not_load_says_why_and_nothing_more(
    children: Children, source: str, name: str
) -> None:
    (frame,) = children.calls(source, "1")
    # a null byte is a ValueError before Python 3.12
    assert frame["load_failed"]["types"][0] in {name, "ValueError"}


def test_the_main_guard_does_not_run_and_prints_go_nowhere(children: Children) -> None:
    source = (
        "print('x')\ndef f():\n    print('y')\n    return __name__\nif __name__ == '__main__': 1/0"
    )
    assert _values(children.calls(source, "f()")) == ["solution"]


def test_a_module_level_name_does_not_shadow_a_builtin_in_the_arguments(children: Children) -> None:
    source = "list = max = None\ndef f(x):\n    return x"
    assert _values(children.calls(source, "f(max(list(range(3))))")) == [2]


def test_an_entry_point_named_like_a_builtin_is_the_candidates(children: Children) -> None:
    assert _values(children.calls("def sum(a, b):\n    return a - b", "sum(5, 3)")) == [2]


def test_patched_builtins_and_modules_do_not_break_the_wire(children: Children) -> None:
    source = (
        "import builtins, json, os, sys\n"
        "def f():\n    return [1, {2}]\n"
        "json.dumps = json.loads = os.write = os.read = None\n"
        "sys.stdout = None\nbuiltins.len = builtins.isinstance = builtins.str = None\n"
    )
    assert _values(children.calls(source, "f()")) == [["list", [1, ["set", [2]]]]]


def test_source_and_tracebacks_work_for_the_candidate_on_itself(children: Children) -> None:
    source = (
        "import inspect, sys, traceback, pickle\n"
        "class C:\n    pass\n"
        "def f():\n    return inspect.getsource(f), inspect.getsource(C)\n"
        "def g():\n"
        "    try:\n        1 / 0  # here\n"
        "    except ZeroDivisionError:\n        return '1 / 0  # here' in traceback.format_exc()\n"
        "def h():\n    import solution\n"
        "    return solution.C is C and type(pickle.loads(pickle.dumps(C()))) is C\n"
    )
    found = _values(children.calls(source, "f()[0][:6]", "g()", "h()"))
    assert found == ["def f(", True, True]


def test_setup_runs_first_in_the_same_module(children: Children) -> None:
    source = "def f(x):\n    return sqrt(helper(x))"
    frames = children.calls(
        source, "f(3)", setup="from math import sqrt\ndef helper(x):\n    return x * 3"
    )
    assert _values(frames) == [3.0]


def test_entry_and_wire_values_are_a_case_too(children: Children) -> None:
    case = {"id": 7, "entry": "f", "args": [encode((1, 2))], "kwargs": [["by", encode({3})]]}
    frames = children.call_cases("def f(x, by):\n    return x, by", [case])
    assert frames[1] == {"id": 7, "value": ["tuple", [["tuple", [1, 2]], ["set", [3]]]]}


def test_random_is_the_same_in_every_run(children: Children) -> None:
    source = "import random\ndef f():\n    return random.random()"
    first, second = (_values(children.calls(source, "f()", "f()")) for _ in range(2))
    assert first == second and first[0] != first[1]


def test_values_too_large_for_a_frame_cost_only_their_case(children: Children) -> None:
    frames = children.calls("def f(n):\n    return 'x' * n", "f(2 << 20)", "f(1)")
    assert "too_large" in frames[1]
    assert frames[2:] == [{"id": 1, "value": "x"}, {"done": True}]


def test_a_value_that_cannot_be_described_still_gets_an_answer(children: Children) -> None:
    source = "class Bad(Exception):\n    def __str__(self):\n        raise ValueError\ndef f():\n    raise Bad"
    assert _values(children.calls(source, "f()"))[0]["types"][0] == "Bad"


def test_a_program_reads_and_writes_its_real_descriptors(children: Children) -> None:
    source = "import sys, os\nn = int(input())\nos.write(1, b'raw\\n')\nprint(n * 2, sys.argv)\nprint('e', file=sys.stderr)"
    ended = children.program(source, b"21\n")
    assert (ended.code, ended.stdout, ended.stderr) == (0, b"raw\n42 ['solution.py']\n", "e\n")


def test_a_program_is_main_and_finds_itself(children: Children) -> None:
    source = "import sys\nclass C: pass\nif __name__ == '__main__':\n    print(sys.modules['__main__'].C is C, C.__module__)"
    assert children.program(source).stdout == b"True __main__\n"


@pytest.mark.parametrize(
    ("source", "code", "stderr"),
    [
        ("import sys; sys.exit(3)", 3, ""),
        ("import sys; sys.exit()", 0, ""),
        ("import sys; sys.exit('bad')", 1, "bad\n"),
        ("raise SystemExit(256)", 0, ""),
        ("import os; os._exit(5)", 5, ""),
        ("def f(:", 1, "SyntaxError"),
        ("1/0", 1, 'File "solution.py", line 1, in <module>'),
    ],
)
def test_a_program_ends_with_the_exit_code_of_an_interpreter(
    children: Children, source: str, code: int, stderr: str
) -> None:
    ended = children.program(source)
    assert ended.code == code
    assert stderr in ended.stderr and "tamis" not in ended.stderr


def test_threads_and_exit_functions_of_a_program_run_to_their_end(children: Children) -> None:
    source = (
        "import atexit, threading, io, sys\n"
        "from concurrent.futures import ThreadPoolExecutor\n"
        "buffer = sys.stdout = io.StringIO()\n"
        "atexit.register(lambda: sys.__stdout__.write(buffer.getvalue() + 'end'))\n"
        "ThreadPoolExecutor(2).submit(print, 'pool')\n"
        "threading.Thread(target=lambda: print('thread')).start()\n"
    )
    ended = children.program(source)
    assert (sorted(ended.stdout.split()), ended.code) == ([b"end", b"pool", b"thread"], 0)


def test_what_a_program_never_flushed_is_written_when_it_ends(children: Children) -> None:
    source = "import os\nout = open(1, 'w', closefd=False)\nout.write('own')\nprint('std', end=' ')"
    assert children.program(source).stdout == b"std own"


def test_a_program_whose_output_cannot_be_written_does_not_end_well(children: Children) -> None:
    assert children.program("import os\nprint('lost')\nos.close(1)").code == 120


def test_a_program_passes_odd_bytes_through(children: Children) -> None:
    source = "import sys\nsys.stdout.write(sys.stdin.read())"
    assert children.program(source, b"\xff\xc3\xa9\n").stdout == b"\xff\xc3\xa9\n"


def test_a_program_without_a_newline_at_the_end_of_its_input_reads_it_all(
    children: Children,
) -> None:
    source = "print(input()); print(input())\ntry:\n    input()\nexcept EOFError:\n    print('eof')"
    assert children.program(source, b"a\nb").stdout == b"a\nb\neof\n"
