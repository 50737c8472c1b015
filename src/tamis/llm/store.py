"""The store of finished model calls: append-only, committed call by call, safe against SIGKILL.

One SQLite file in write-ahead mode. A value is the JSON text of a Completion; its key is a hash of the
whole request and of who answers. Nothing is ever changed or deleted, nothing is pickled. A killed
process loses the calls in flight and no other; after a power cut the last few may be missing as well.
"""

from __future__ import annotations

import asyncio
import hashlib
import sqlite3
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

import msgspec

from tamis.errors import StoreError
from tamis.llm.types import ChatRequest, Completion

VERSION = 1
_CREATE = """
CREATE TABLE calls (
    key        BLOB PRIMARY KEY,
    identity   TEXT NOT NULL,
    model      TEXT NOT NULL,
    completion TEXT NOT NULL,
    version    INTEGER NOT NULL
) WITHOUT ROWID
"""


class _Identified(Protocol):
    @property
    def identity(self) -> str: ...

    async def ask(self, request: ChatRequest) -> Completion: ...


def call_key(identity: str, request: ChatRequest) -> bytes:
    """16 bytes that name a call: equal for equal requests to the same identity, on any machine."""
    told = msgspec.to_builtins(request)
    if request.tools is None:
        del told["tools"]  # stores are older than tools: their calls keep their keys
    text = msgspec.json.encode((VERSION, identity, told))
    return hashlib.blake2b(text, digest_size=16).digest()


class CallStore:
    """Finished calls in one file; `get` and `add`. One process writes at a time.

    Raises: StoreError when the file is no store of ours, of a newer version, or cannot be written.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            # autocommit: every `add` is on disk when it returns
            self._base = sqlite3.connect(path, isolation_level=None, timeout=10.0)
            self._open()
        except sqlite3.Error as error:
            raise StoreError(f"{path}: cannot open the store of model calls: {error}") from error

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def __len__(self) -> int:
        n_calls: int = self._base.execute("SELECT count(*) FROM calls").fetchone()[0]
        return n_calls

    def get(self, key: bytes) -> Completion | None:
        """The finished call of that key, or None."""
        row = self._base.execute("SELECT completion FROM calls WHERE key = ?", (key,)).fetchone()
        return None if row is None else msgspec.json.decode(row[0], type=Completion)

    def add(self, key: bytes, *, identity: str, model: str, completion: Completion) -> None:
        """Append a finished call; a key that is there already keeps its first answer.

        Raises: StoreError when it cannot be written (disk full, another writer).
        """
        text = msgspec.json.encode(completion).decode()
        try:
            self._base.execute(
                "INSERT OR IGNORE INTO calls VALUES (?, ?, ?, ?, ?)",
                (key, identity, model, text, VERSION),
            )
        except sqlite3.Error as error:
            raise StoreError(f"{self.path}: cannot store a model call: {error}") from error

    def close(self) -> None:
        """Close the file."""
        self._base.close()

    def _open(self) -> None:
        self._base.execute("PRAGMA journal_mode = WAL")
        self._base.execute("PRAGMA synchronous = NORMAL")
        # one transaction, so that two processes that create the file together do not clash
        self._base.execute("BEGIN IMMEDIATE")
        found = self._base.execute("PRAGMA user_version").fetchone()[0]
        n_tables = self._base.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0]
        if found == 0 and n_tables == 0:
            self._base.execute(_CREATE)
            self._base.execute(f"PRAGMA user_version = {VERSION}")
        self._base.execute("COMMIT")
        if found not in (0, VERSION) or (found == 0 and n_tables):
            raise StoreError(
                f"{self.path}: expected a store of model calls of version {VERSION}, "
                f"got version {found}; name another file"
            )


class StoredLLM:
    """A model whose finished calls are kept: answers from the store, else asks and stores.

    Equal requests in flight are one call. `n_from_store` and `n_asked` count what happened.
    """

    def __init__(self, llm: _Identified, store: CallStore) -> None:
        self._llm = llm
        self._store = store
        self._running: dict[bytes, asyncio.Event] = {}
        self.n_from_store = 0
        self.n_asked = 0

    async def ask(self, request: ChatRequest) -> Completion:
        """The completion of a request, asked at most once whatever happens to the asker."""
        key = call_key(self._llm.identity, request)
        # a loop, because the call waited for may have failed or been cancelled with its asker
        while True:
            stored = self._store.get(key)
            if stored is not None:
                self.n_from_store += 1
                return stored
            running = self._running.get(key)
            if running is None:
                return await self._fetch(key, request)
            await running.wait()

    async def _fetch(self, key: bytes, request: ChatRequest) -> Completion:
        finished = self._running[key] = asyncio.Event()
        try:
            completion = await self._llm.ask(request)
            self._store.add(
                key, identity=self._llm.identity, model=request.model, completion=completion
            )
        finally:
            del self._running[key]
            finished.set()
        self.n_asked += 1
        return completion
