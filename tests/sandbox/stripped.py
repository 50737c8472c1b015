"""Take mechanisms away for real, then become another program: `python stripped.py WHAT... -- command`.

What is taken is refused by a seccomp filter, as a container's default profile or an old kernel would.
"""

from __future__ import annotations

import errno
import os
import sys

from tamis.sandbox import seccomp, syscalls

# x86_64 numbers. Without `mount_setattr` our own launcher fails, and bubblewrap does not mind.
# A clone3 that is not there is what containers show: the C library starts threads without it, but not when refused.
TAKEN = {
    "namespaces": (((272, 308, 165), errno.EPERM), ((435,), errno.ENOSYS)),
    "launcher": (((442,), errno.EPERM),),
    "landlock": (((444, 445, 446), errno.ENOSYS),),
    "seccomp": (((317,), errno.EINVAL),),
}


def program(names: list[str]) -> bytes:
    """A filter that allows all but what is taken."""
    refusals = [
        seccomp.when(number, seccomp.returns_errno(code))
        for name in names
        for numbers, code in TAKEN[name]
        for number in numbers
    ]
    return seccomp.LOAD_NUMBER + b"".join(refusals) + seccomp.ALLOW


def main() -> None:
    """Install the filter and run the command under it."""
    split = sys.argv.index("--")
    names = sys.argv[1:split]
    if names:
        syscalls.prctl(syscalls.PR_SET_NO_NEW_PRIVS, 1)
        seccomp.Filter(program(names)).install()
    os.execv(sys.argv[split + 1], sys.argv[split + 1 :])


if __name__ == "__main__":
    main()
