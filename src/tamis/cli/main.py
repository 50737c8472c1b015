"""The `tamis` command: grouped help, errors in one line, documented exit codes.

0 ok · 1 findings at or above the gate · 2 usage or configuration · 3 input unreadable ·
4 an outside service failed, resumable · 5 our bug · 130 interrupted, resumable
"""

from __future__ import annotations

import os
import sys
import traceback

import typer

from tamis.cli import data, look, rewards, rl, start
from tamis.errors import TamisError

app = typer.Typer(
    name="tamis",
    help="Sift SFT data, calibrate RL questions, account for every row.",
    no_args_is_help=True,
    add_completion=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for group in (start, data, look, rl, rewards):
    group.register(app)

INTERRUPTED = 130


def main() -> None:
    """Run the command line; every error leaves as one line on stderr and a documented code."""
    try:
        app()
    except SystemExit as leaving:
        # the command-line library turns Ctrl-C into this code, without a word
        if leaving.code == INTERRUPTED:
            _fail("interrupted; run the same command again to continue", INTERRUPTED)
        raise
    except TamisError as error:
        _fail(str(error), error.exit_code)
    except KeyboardInterrupt:
        _fail("interrupted; run the same command again to continue", INTERRUPTED)
    except BrokenPipeError:
        # the reader went away (`| head`): not an error of ours
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    except OSError as error:
        where = error.filename or "the system"
        _fail(f"{where}: {error.strerror or error}", 2)
    except MemoryError:
        _fail("out of memory; use fewer --workers or close other programs", 2)
    except Exception as error:  # noqa: BLE001
        crash = "".join(traceback.format_exception(error))
        path = _crash_file(crash)
        _fail(f"{type(error).__name__}: {error}; this is a bug of Tamis, details in {path}", 5)


def _crash_file(text: str) -> str:
    import tempfile

    with tempfile.NamedTemporaryFile(
        "w", prefix="tamis-crash-", suffix=".txt", delete=False, encoding="utf-8"
    ) as file:
        file.write(text)
    return file.name


def _fail(message: str, code: int) -> None:
    head, _, rest = message.partition("\n")
    sys.stderr.write(f"tamis: {head}\n")
    if rest and (code != 5 or os.environ.get("TAMIS_DEBUG")):
        sys.stderr.write(rest.rstrip() + "\n")
    sys.stderr.flush()
    sys.exit(code)
