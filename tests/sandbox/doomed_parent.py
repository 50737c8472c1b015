"""A parent with runs of every kind going on, that never ends by itself. Started by `death_driver.py`.

`python doomed_parent.py HOW SEED`. HOW is `threads`, `daemons` (the main thread ends soon), `workers` (forked ones work
too) or `servers` (somebody ends its fork servers). Prints a line when the first runs are done.
"""

from __future__ import annotations

import os
import random
import sys
import threading
import time

from tamis.sandbox import Box, Call, JudgeTests, Limits, Profile, SandboxError, open_sandbox

LANES, THREADS = 2, 4
LIMITS = Limits(time_s=2, wall_s=20, memory_bytes=512 << 20, output_bytes=1 << 20)
HONEST = "def f(x=1):\n    return x + 1\n"
SLEEP = "import time\ndef f(x=1):\n    time.sleep(1000)\n"
HOSTILE = [
    SLEEP,
    "while True: pass",
    "def f(x=1):\n    while True: pass\n",
    "import os\ndef f(x=1):\n    while True:\n        try:\n            os.fork()\n        except OSError:\n            pass\n",
    "import os\ndef f(x=1):\n    os.setsid()\n    os.execv('/bin/sleep', ['sleep', '1000'])\n",
    "import threading, time\ndef f(x=1):\n    while True:\n        threading.Thread(target=time.sleep, args=(1000,)).start()\n",
    "import signal, time\nfor n in range(1, 65):\n    try:\n        signal.signal(n, signal.SIG_IGN)\n"
    "    except (OSError, ValueError):\n        pass\ndef f(x=1):\n    time.sleep(1000)\n",
    "def f(x=1):\n    kept = bytearray(300 << 20)\n    while True: pass\n",
    "import os\ndef f(x=1):\n    while True: os.write(3, bytes(10))\n",
]
PROGRAMS = [
    "while True: print('x' * 1000)",
    "import time\ntime.sleep(1000)\n",
    "import os\nwhile True:\n    os.close(os.dup(1))\n",
]
TESTS = JudgeTests(
    {"style": "asserts", "setup": "", "tests": ["assert f(1) == 2"], "entry": ["f"]}, 1
)


def work(box: Box, draws: random.Random) -> None:
    """One run of a kind drawn at random; an honest one must come out right."""
    kind = draws.choice(["honest", "hostile", "hostile", "program", "judged", "judged"])
    if kind == "honest":
        assert box.solve(HONEST, [Call(expr="f(1)")], limits=LIMITS)[0].raw == 2
    elif kind == "hostile":
        box.solve(draws.choice(HOSTILE), [Call(expr="f(1)")], limits=LIMITS)
    elif kind == "program":
        box.program(draws.choice(PROGRAMS), b"", limits=LIMITS)
    else:
        box.judge(draws.choice([HONEST, *HOSTILE]), TESTS, limits=LIMITS)


def work_on(boxes: list[Box], seed: int, *, servers_end: bool = False) -> None:
    """Work without end. Where fork servers are ended, two in a row may fail a run, and never make it wrong."""
    draws = random.Random(seed)
    while True:
        try:
            work(draws.choice(boxes), draws)
        except SandboxError:
            if not servers_end:
                raise


def boxes_of_this_machine() -> list[Box]:
    """The plain box, and one with a work directory where that can be had."""
    boxes = [open_sandbox(lanes=LANES)]
    try:
        boxes.append(open_sandbox(Profile(workdir=True), lanes=LANES))
    except SandboxError:
        return boxes
    return boxes


def main() -> None:
    """Work in threads until somebody ends it."""
    how, seed = sys.argv[1], int(sys.argv[2])
    boxes = boxes_of_this_machine()
    for box in boxes:
        assert box.solve(HONEST, [Call(expr="f(1)")])[0].raw == 2
    if how == "workers":
        for number in range(2):
            if os.fork() == 0:
                work_on(boxes, seed + 100 + number)
    threads = [
        threading.Thread(
            target=work_on,
            args=(boxes, seed + number),
            kwargs={"servers_end": how == "servers"},
            daemon=True,
        )
        for number in range(THREADS)
    ]
    for thread in threads:
        thread.start()
    print(boxes[0].tier, flush=True)
    if how == "daemons":
        time.sleep(random.Random(seed).uniform(0.2, 0.7))
        return
    work_on(boxes, seed - 1, servers_end=how == "servers")


if __name__ == "__main__":
    main()
