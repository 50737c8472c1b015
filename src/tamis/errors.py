"""Every error Tamis raises on purpose.

    TamisError               exit code 2 unless a branch says otherwise
    ├─ InputError            3: the input cannot be read, or its format is not supported
    │  ├─ RowError           one row cannot be read; the reader turns it into an `unreadable` entry
    │  └─ TemplateError      a chat template cannot be read, or does not render a conversation
    ├─ SchemaError           a column or a table is not what was promised
    ├─ RecipeError           a recipe or an option is wrong
    ├─ LLMError              4: an outside model failed after its retries; the run can be resumed
    ├─ RewardError           a reward was asked something it cannot grade
    ├─ StoreError            an output or a run folder cannot be written or is not ours
    └─ CountError            5: the counts of a run do not add up: our bug

Each message is one line: *where: what was expected, what came, what to do*.
"""

from __future__ import annotations


class TamisError(Exception):
    """Anything Tamis refuses, said in one line for the person at the terminal."""

    exit_code = 2


class InputError(TamisError):
    """An input cannot be read, or looks like a format that is not supported."""

    exit_code = 3


class RowError(InputError):
    """One row cannot be read; its reason ends up in the `unreadable` ledger."""


class TemplateError(InputError):
    """A chat template cannot be read, breaks a limit, or refuses a conversation."""


class SchemaError(TamisError):
    """A column or a table is not what an operator or a reader promised."""


class RecipeError(TamisError):
    """A recipe, an option or a name in it is wrong."""


class LLMError(TamisError):
    """A model endpoint failed after its retries; the run can be resumed."""

    exit_code = 4


class ServiceError(TamisError):
    """Another machine gave no answer; the same command may be tried again."""

    exit_code = 4


class RewardError(TamisError):
    """A reward was asked something it cannot grade."""


class StoreError(TamisError):
    """An output or a run folder cannot be written, or belongs to another run."""


class CountError(TamisError):
    """The counts of a run do not add up: a bug of Tamis, never of the data."""

    exit_code = 5
