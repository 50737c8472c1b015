"""Files elsewhere (`hf://`, `s3://` and all that fsspec knows): found, and copied beside the run once."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from tamis.errors import InputError, ServiceError

_BLOCK = 1 << 22
_FETCH_ERRORS = (OSError, ValueError, ImportError, RuntimeError)
# the clients' own errors when the other side does not answer, in whichever of them are loaded
_CLIENT_ERRORS = (
    ("httpx", "HTTPError"),
    ("httpx2", "HTTPError"),
    ("aiohttp", "ClientError"),
    ("botocore.exceptions", "BotoCoreError"),
    ("botocore.exceptions", "ClientError"),
)


def is_remote(path: str) -> bool:
    """Whether a path is an address with a scheme, as `hf://datasets/team/set@revision/file.jsonl`."""
    scheme = urlsplit(path).scheme
    return len(scheme) > 1 and f"{scheme}://" in path


def remote_files(
    url: str,
    is_input: Callable[[str], bool],
    spool: Callable[[str, Iterator[bytes], str], Path],
) -> list[tuple[str, Path]]:
    """(name, local copy) of each file behind an address: a file, a glob, or a folder's inputs.

    is_input: whether a file name found in a folder is read; spool: writes blocks to a place by its key.
    Raises: InputError in one line when the scheme's library is missing, or the other side refuses.
    """
    try:
        import fsspec
    except ImportError as error:
        raise InputError(
            f"{url}: reading addresses needs fsspec; pip install 'tamis[remote]'"
        ) from error
    try:
        system, path = fsspec.core.url_to_fs(url)
        found = _paths(system, path, url, is_input)
        return [(name, _copy(system, place, url, spool)) for name, place in found]
    except InputError:
        raise
    except _FETCH_ERRORS as error:
        raise InputError(f"{url}: cannot be read: {_told(error)}") from error
    except _client_errors() as error:
        raise ServiceError(f"{url}: gave no answer: {_told(error)}; try again later") from error


def _client_errors() -> tuple[type[Exception], ...]:
    """The error classes of the clients that are loaded, looked up when something was raised."""
    loaded = [(sys.modules.get(module), name) for module, name in _CLIENT_ERRORS]
    return tuple(getattr(module, name) for module, name in loaded if module is not None)


def _told(error: Exception) -> str:
    return f"{type(error).__name__} {' '.join(str(error).split())}"


def _paths(
    system: Any, path: str, url: str, is_input: Callable[[str], bool]
) -> list[tuple[str, str]]:
    if any(sign in path for sign in "*?["):
        matched = sorted(system.glob(path))
        if not matched:
            raise InputError(f"{url}: expected at least one file to match, none does")
        return [(one.rsplit("/", 1)[-1], one) for one in matched if not system.isdir(one)]
    if not system.isdir(path):
        if not system.exists(path):
            raise InputError(f"{url}: expected a file or a folder, found nothing there")
        return [(path.rsplit("/", 1)[-1], path)]
    root = path.rstrip("/")
    inside = sorted(one for one in system.find(root) if is_input(one.rsplit("/", 1)[-1]))
    if not inside:
        raise InputError(f"{url}: expected files to read in this folder, found none")
    return [(one.removeprefix(root).lstrip("/"), one) for one in inside]


def _copy(
    system: Any, path: str, url: str, spool: Callable[[str, Iterator[bytes], str], Path]
) -> Path:
    # the other side's own mark of a file's contents: another version gets another copy
    told = f"{url}|{path}|{system.ukey(path)}"
    key = hashlib.sha256(told.encode()).hexdigest()[:16]
    return spool(url, _blocks(system, path), f"{key}-{path.rsplit('/', 1)[-1]}")


def _blocks(system: Any, path: str) -> Iterator[bytes]:
    with system.open(path, "rb") as stream:
        while block := stream.read(_BLOCK):
            yield block
