"""The symbolic worker: a keeper that has sympy loaded, and one child at a time that answers.

    python -m tamis.rewards.math.worker BUDGET_S MEMORY_MB

Frames (`sandbox/frames.py`) come on stdin: {id, gold, answer}; frames go to stdout: {id, verdict}. The kernel
ends a child whose processor time for one pair is spent, whatever it is doing (`ITIMER_PROF`); then the
keeper says {ended: SIGNAL} and forks the next child, which has sympy loaded from the start.
"""

from __future__ import annotations

import os
import resource
import signal
import sys

from tamis.sandbox.frames import receive_frame, send_frame

_IN, _OUT = 0, 1
_MIB = 1 << 20
JOB_BYTES = 1 << 18
"""The longest pair of trees a worker is told."""


def main() -> None:
    """Keep a child answering until stdin ends."""
    budget_s, memory_mb = float(sys.argv[1]), int(sys.argv[2])
    from tamis.rewards.math import symbolic

    # the first proof loads what sympy puts off
    symbolic.decide(["Call", "sin", ["Var", "x"]], ["Call", "cos", ["Var", "x"]])
    send_frame(_OUT, {"ready": True})
    while True:
        child = os.fork()
        if child == 0:
            _answer(budget_s, memory_mb)
            os._exit(0)
        _, status = os.waitpid(child, 0)
        if os.WIFEXITED(status) and os.WEXITSTATUS(status) == 0:
            return
        signalled = os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0
        send_frame(_OUT, {"ended": signalled})


def _answer(budget_s: float, memory_mb: int) -> None:
    from tamis.rewards.math import symbolic

    signal.signal(signal.SIGPROF, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_AS, (memory_mb * _MIB, memory_mb * _MIB))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    while (job := receive_frame(_IN, cap=JOB_BYTES)) is not None:
        signal.setitimer(signal.ITIMER_PROF, budget_s)
        verdict, why = "undecided", ""
        try:
            verdict = symbolic.decide(job["gold"], job["answer"])  # type: ignore[arg-type]
        except symbolic.Refused as error:
            why = str(error)
        except MemoryError:
            why = "memory"
        except (
            ArithmeticError,
            ValueError,
            TypeError,
            RecursionError,
            NotImplementedError,
        ) as error:
            # what sympy raises for expressions it cannot handle
            why = f"{type(error).__name__}: {error}"[:200]
        signal.setitimer(signal.ITIMER_PROF, 0)
        send_frame(_OUT, {"id": job["id"], "verdict": verdict, "why": why})


if __name__ == "__main__":
    main()
