"""Seccomp: which system calls the fork server and the code it runs may make at all.

Two filters, both inherited by everything below. The large allow-list is installed once, in the fork server;
each run adds a small one that takes away what only the server needs. A call that is not allowed fails with
EPERM, so that honest code gets a readable error; calls by another calling convention end the process.
"""

from __future__ import annotations

import ctypes
import errno
import struct

from tamis.sandbox import syscalls

_ALLOW, _KILL, _ERRNO = 0x7FFF_0000, 0x8000_0000, 0x0005_0000
_X86_64 = 0xC000_003E
_X32_BIT = 0x4000_0000
_LOAD, _AND, _JEQ, _JGE, _JSET, _RET = 0x20, 0x54, 0x15, 0x35, 0x45, 0x06
_NR, _ARCH = 0, 4
_CLONE_THREAD = 0x0001_0000
_AF_UNIX = 1

# x86_64 numbers, grouped by what they are for.
_FILES = """
    read:0 write:1 open:2 close:3 stat:4 fstat:5 lstat:6 poll:7 lseek:8 pread64:17 pwrite64:18 readv:19 writev:20
    access:21 pipe:22 select:23 dup:32 dup2:33 sendfile:40 fsync:74 fdatasync:75 ftruncate:77
    getcwd:79 chdir:80 fchdir:81 rename:82 mkdir:83 rmdir:84 creat:85 link:86 unlink:87 symlink:88 readlink:89 umask:95
    statfs:137 fstatfs:138 getdents64:217 openat:257 mkdirat:258 newfstatat:262 unlinkat:263 renameat:264 linkat:265
    symlinkat:266 readlinkat:267 faccessat:269 pselect6:270 ppoll:271 eventfd2:290
    dup3:292 pipe2:293 preadv:295 pwritev:296 renameat2:316 copy_file_range:326 preadv2:327 pwritev2:328 statx:332
    close_range:436 faccessat2:439 epoll_wait:232 epoll_ctl:233 epoll_pwait:281 epoll_create1:291 epoll_create:213
    timerfd_create:283 timerfd_settime:286 timerfd_gettime:287 signalfd4:289 eventfd:284 epoll_pwait2:441
"""
_MEMORY = (
    "mmap:9 mprotect:10 munmap:11 brk:12 mremap:25 msync:26 mincore:27 madvise:28 membarrier:324"
)
_SIGNALS = """
    rt_sigaction:13 rt_sigprocmask:14 rt_sigreturn:15 pause:34 getitimer:36 alarm:37 setitimer:38 rt_sigpending:127
    rt_sigtimedwait:128 rt_sigsuspend:130 sigaltstack:131 timer_create:222 timer_settime:223 timer_gettime:224
    timer_getoverrun:225 timer_delete:226 restart_syscall:219
"""
_PROCESS = """
    sched_yield:24 nanosleep:35 getpid:39 exit:60 wait4:61 uname:63 gettimeofday:96 getrlimit:97 getrusage:98
    sysinfo:99 times:100 getuid:102 getgid:104 geteuid:107 getegid:108 getppid:110 getpgrp:111 getgroups:115
    getresuid:118 getresgid:120 getpgid:121 getsid:124 getpriority:140 sched_getparam:143 sched_getscheduler:145
    sched_get_priority_max:146 sched_get_priority_min:147 arch_prctl:158 gettid:186 time:201 futex:202
    sched_getaffinity:204 set_tid_address:218 clock_gettime:228 clock_getres:229 clock_nanosleep:230 exit_group:231
    waitid:247 set_robust_list:273 get_robust_list:274 prlimit64:302 getcpu:309 getrandom:318 rseq:334 clone:56
    futex_waitv:449
"""
# No call here opens a socket to anything outside: asyncio and pipes between threads need pairs.
_PAIRS = """
    sendto:44 recvfrom:45 sendmsg:46 recvmsg:47 shutdown:48 getsockname:51 getpeername:52 socketpair:53
    setsockopt:54 getsockopt:55
"""
# Landlock does not govern these: only a run with a file system of its own may make them.
_ATTRIBUTES = (
    "truncate:76 chmod:90 fchmod:91 utime:132 utimes:235 fchmodat:268 utimensat:280 fchmodat2:452"
)
# The fork server's own; the filter of each run takes them away again.
_SERVER = """
    fork:57 vfork:58 kill:62 capset:126 prctl:157 mount:165 tkill:200 tgkill:234 unshare:272 setns:308 seccomp:317
    setrlimit:160 rt_sigqueueinfo:129 rt_tgsigqueueinfo:297 pidfd_send_signal:424 pidfd_open:434
    landlock_create_ruleset:444 landlock_add_rule:445 landlock_restrict_self:446
"""
_CLONE, _CLONE3, _SOCKETPAIR, _PRLIMIT, _IOCTL, _FCNTL, _KILL_NR, _TGKILL, _GETSOCKOPT = (
    56,
    435,
    53,
    302,
    16,
    72,
    62,
    234,
    55,
)
# F_DUPFD, F_GETFD, F_SETFD, F_GETFL, F_SETFL, F_DUPFD_CLOEXEC, F_GETPIPE_SZ, F_GET_SEALS. Not F_SETOWN and its like,
# which send signals; no leases, notices or hints, which others notice.
_FCNTLS = (0, 1, 2, 3, 4, 1030, 1032, 1034)
# F_GETLK, F_SETLK, F_SETLKW and their twins for open files: for files of one's own. Others see a lock on a file
# that all runs can open (and flock even takes one on a file that can only be read).
_LOCKS = (5, 6, 7, 36, 37, 38)
# open and openat, and where their flags are. Landlock before Linux 6.2 lets a file that may be read be emptied.
_OPENS = ((2, 1), (257, 2))
_O_ACCMODE, _O_TRUNC = 0o3, 0o1000
_RLIMIT_STACK = 3
# SO_PEERPIDFD would give a handle of the trusted parent.
_PEER_HANDLE = 77
# TCGETS, FIONREAD, FIONBIO, FIONCLEX, FIOCLEX: what Python asks of any descriptor.
_IOCTLS = (0x5401, 0x541B, 0x5421, 0x5450, 0x5451)


def _numbers(*groups: str) -> set[int]:
    return {int(word.rpartition(":")[2]) for group in groups for word in group.split()}


def _instruction(code: int, value: int, if_true: int = 0, if_false: int = 0) -> bytes:
    return struct.pack("=HBBI", code, if_true, if_false, value)


def _returns(action: int) -> bytes:
    return _instruction(_RET, action)


def returns_errno(code: int) -> bytes:
    """Refuse the call with this error."""
    return _returns(_ERRNO | code)


LOAD_NUMBER = _instruction(_LOAD, _NR)
ALLOW = _returns(_ALLOW)
_REFUSE = returns_errno(errno.EPERM)


def _argument(place: int) -> int:
    """Offset of the low word of a call's argument."""
    return 16 + 8 * place


def _preamble() -> bytes:
    return b"".join(
        [
            _instruction(_LOAD, _ARCH),
            _instruction(_JEQ, _X86_64, 1, 0),
            _returns(_KILL),
            LOAD_NUMBER,
            _instruction(_JGE, _X32_BIT, 0, 1),
            _returns(_KILL),
        ]
    )


def when(number: int, *body: bytes) -> bytes:
    """Run `body`, which returns, when the call has this number."""
    inside = b"".join(body)
    return _instruction(_JEQ, number, 0, len(inside) // 8) + inside


def server_filter(*, workdir: bool) -> bytes:
    """The allow-list, as BPF: all that the fork server and Python programs need."""
    allowed = _numbers(_FILES, _MEMORY, _SIGNALS, _PROCESS, _PAIRS, _SERVER)
    if workdir:
        allowed |= _numbers(_ATTRIBUTES)
    special = when(
        _SOCKETPAIR,
        _instruction(_LOAD, _argument(0)),
        _instruction(_JEQ, _AF_UNIX, 0, 1),
        ALLOW,
        _REFUSE,
    )
    special += when(_CLONE3, returns_errno(errno.ENOSYS))
    asks = b"".join(_instruction(_JEQ, ask, 0, 1) + ALLOW for ask in _IOCTLS)
    special += when(_IOCTL, _instruction(_LOAD, _argument(1)), asks, _REFUSE)
    commands = (*_FCNTLS, *(_LOCKS if workdir else ()))
    known = b"".join(_instruction(_JEQ, command, 0, 1) + ALLOW for command in commands)
    special += when(_FCNTL, _instruction(_LOAD, _argument(1)), known, _REFUSE)
    peer = _instruction(_JEQ, _PEER_HANDLE, 0, 1) + _REFUSE
    special += when(_GETSOCKOPT, _instruction(_LOAD, _argument(2)), peer, ALLOW)
    for number, place in _OPENS:
        empties = _instruction(_AND, _O_ACCMODE | _O_TRUNC) + _instruction(_JEQ, _O_TRUNC, 0, 1)
        special += when(number, _instruction(_LOAD, _argument(place)), empties, _REFUSE, ALLOW)
    plain = b"".join(when(number, ALLOW) for number in sorted(allowed - {_SOCKETPAIR}))
    return _preamble() + special + plain + _REFUSE


def run_filter(own_pid: int) -> bytes:
    """What one run loses on top: processes, privileges, limits, and signals to anything but itself."""
    threads_only = when(
        _CLONE,
        _instruction(_LOAD, _argument(0)),
        _instruction(_JSET, _CLONE_THREAD, 0, 1),
        ALLOW,
        _REFUSE,
    )
    # prlimit64(pid, what, new, old): asking is fine, setting is not, but for one's own stack
    only_asks = when(
        _PRLIMIT,
        _instruction(_LOAD, _argument(0)),
        _instruction(_JEQ, 0, 0, 3),
        _instruction(_LOAD, _argument(1)),
        _instruction(_JEQ, _RLIMIT_STACK, 0, 1),
        ALLOW,
        _instruction(_LOAD, _argument(2)),
        _instruction(_JEQ, 0, 0, 3),
        _instruction(_LOAD, _argument(2) + 4),
        _instruction(_JEQ, 0, 0, 1),
        ALLOW,
        _REFUSE,
    )
    to_itself = [
        _instruction(_LOAD, _argument(0)),
        _instruction(_JEQ, own_pid, 0, 1),
        ALLOW,
        _REFUSE,
    ]
    signals = when(_KILL_NR, *to_itself) + when(_TGKILL, *to_itself)
    lost = _numbers(_SERVER) - {_KILL_NR, _TGKILL}
    refused = b"".join(when(number, _REFUSE) for number in sorted(lost))
    return b"".join(
        [
            LOAD_NUMBER,
            threads_only,
            only_asks,
            signals,
            refused,
            ALLOW,
        ]
    )


class _Program(ctypes.Structure):
    _fields_ = [("length", ctypes.c_ushort), ("filter", ctypes.c_void_p)]


class Filter:
    """A program ready to be installed, as often as wanted."""

    def __init__(self, program: bytes) -> None:
        self._held = ctypes.create_string_buffer(program, len(program))
        self._program = _Program(len(program) // 8, ctypes.addressof(self._held))

    def install(self) -> None:
        """Install it for this thread and everything it starts; needs NO_NEW_PRIVS."""
        syscalls.install_filter(self._program)
