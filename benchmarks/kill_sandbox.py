"""Nothing of the sandbox is alive one second after its parent was killed.

A parent runs mixed work in two lanes and five threads (endless loops, sleepers that ignore signals, attempts to fork,
thread bombs, floods of output, judged tests) and gets SIGKILL at a random moment, every other time while its
fork servers start. Processes are counted by a subreaper above the parent, so none is overlooked. In every tier
this machine offers when mechanisms are taken away for real, as root and as nobody.

    python benchmarks/kill_sandbox.py               # 12 kills in each way
    python benchmarks/kill_sandbox.py --kills 2     # a quick look; no results are written
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import tempfile
from pathlib import Path
from typing import Any

from trial import ROOT, markdown, write_results

sys.path.insert(0, str(ROOT / "tests" / "sandbox"))
from users import User, nobody, this_user

KILLS = 12
RUN = "import death_driver; death_driver.main()"
# Who, and what is taken away.
WAYS = [
    ("root", ()),
    ("root", ("landlock",)),
    ("root", ("namespaces",)),
    ("nobody", ()),
    ("nobody", ("launcher",)),
    ("nobody", ("namespaces",)),
]
COLUMNS = [
    *("user", "without", "tier", "kills", "while starting", "processes at the kill, most"),
    *("alive after 1 s", "until nothing was left, s, most", "files left"),
]


def row(who: str, without: tuple[str, ...], told: dict[str, Any]) -> list[str]:
    """One way to run, as a line of the table."""
    trials = told["trials"]
    longest = max(one.get("gone_after_s", one["took_s"]) for one in trials)
    return [
        who,
        ", ".join(without),
        told["tier"],
        str(len(trials)),
        str(sum(one["tier"] is None for one in trials)),
        str(max(one["below"] for one in trials)),
        str(sum(len(one["left"]) for one in trials)),
        f"{longest:.2f}",
        str(len(told["files"])),
    ]


def users(folder: Path) -> dict[str, User]:
    """Who can be tried here."""
    if os.geteuid() != 0:
        return {"nobody": this_user(folder / "code")}
    folder.chmod(0o755)
    return {"root": this_user(folder / "code"), "nobody": nobody(folder / "code")}


def main() -> int:
    """Kill, look, report; exit code 1 when something outlived a parent."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=KILLS)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    lines, raw = [], []
    with tempfile.TemporaryDirectory() as folder:
        known = users(Path(folder))
        for who, without in WAYS:
            if who not in known:
                continue
            words = ("threads", str(int(signal.SIGKILL)), str(arguments.kills), str(arguments.seed))
            told = known[who].run(RUN, *words, without=without, timeout=60 * arguments.kills)
            lines.append(row(who, without, told))
            raw.append({"user": who, "without": without, **told})
            print(" | ".join(lines[-1]), file=sys.stderr)
    kept = all(
        not one["files"] and not any(trial["left"] for trial in one["trials"]) for one in raw
    )
    title = "Killed parents of sandboxes: nothing is alive after a second"
    title = title if kept else "Killed parents of sandboxes: A PROMISE IS BROKEN"
    if arguments.kills == KILLS:
        about = __doc__.split("\n\n")[1]
        write_results("kill-sandbox", title, about, {"columns": COLUMNS, "rows": lines}, raw)
    else:
        print(f"\n{title}\n\n{markdown(COLUMNS, lines)}")
    return 0 if kept else 1


if __name__ == "__main__":
    sys.exit(main())
