"""Forbids a reader process the system calls with which it could reach other processes, or files by their names.

A filter of system calls (seccomp, Linux) for the processors whose numbers of calls are known here. Elsewhere nothing is
forbidden, and the limits alone hold (see `limits`). The numbers are those of Linux's `unistd.h`.
"""

import ctypes
import os
import platform
import struct
import sys
from collections.abc import Iterator
from typing import Final

# The number of each call on x86-64 and on aarch64; 0 where a processor has none. A call that begins with a path needs
# no descriptor, so the limit on these does not stop it.
_FORBIDDEN: Final = {
    "ptrace": (101, 117),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "process_madvise": (440, 440),
    "kcmp": (312, 272),
    "pidfd_open": (434, 434),
    "pidfd_getfd": (438, 438),
    "pidfd_send_signal": (424, 424),
    "tkill": (200, 130),
    "rt_sigqueueinfo": (129, 138),
    "rt_tgsigqueueinfo": (297, 240),
    "execve": (59, 221),
    "execveat": (322, 281),
    "fork": (57, 0),
    "vfork": (58, 0),
    "socket": (41, 198),
    "socketpair": (53, 199),
    "connect": (42, 203),
    "bind": (49, 200),
    "io_uring_setup": (425, 425),
    "io_uring_enter": (426, 426),
    "io_uring_register": (427, 427),
    "shmget": (29, 194),
    "shmat": (30, 196),
    "msgget": (68, 186),
    "semget": (64, 190),
    "perf_event_open": (298, 241),
    "bpf": (321, 280),
    "userfaultfd": (323, 282),
    "add_key": (248, 217),
    "request_key": (249, 218),
    "keyctl": (250, 219),
    "unshare": (272, 97),
    "setns": (308, 268),
    "mount": (165, 40),
    "umount2": (166, 39),
    "pivot_root": (155, 41),
    "chroot": (161, 51),
    "open_by_handle_at": (304, 265),
    "unlink": (87, 0),
    "unlinkat": (263, 35),
    "rename": (82, 0),
    "renameat": (264, 38),
    "renameat2": (316, 276),
    "link": (86, 0),
    "linkat": (265, 37),
    "symlink": (88, 0),
    "symlinkat": (266, 36),
    "mkdir": (83, 0),
    "mkdirat": (258, 34),
    "rmdir": (84, 0),
    "truncate": (76, 45),
    "chmod": (90, 0),
    "fchmodat": (268, 53),
    "fchmodat2": (452, 452),
    "chown": (92, 0),
    "lchown": (94, 0),
    "fchownat": (260, 54),
    "mknod": (133, 0),
    "mknodat": (259, 33),
    "setxattr": (188, 5),
    "lsetxattr": (189, 6),
    "utime": (132, 0),
    "utimes": (235, 0),
    "futimesat": (261, 0),
    "utimensat": (280, 88),
}
# Allowed for the process itself: libraries that fail end it by a signal. The limits of a process have 0 for itself.
_OWN_PROCESS_ONLY: Final = {"kill": (62, 129), "tgkill": (234, 131)}
_LIMITS: Final = (302, 261)
# Allowed for threads. Of `clone3` a filter cannot see what it makes. The C library then takes `clone`.
_CLONE, _CLONE3 = (56, 220), (435, 435)
_CLONE_THREAD: Final = 0x10000

# The place of a processor above, its number as the filter sees it (audit.h), and that of the call `seccomp`.
_PROCESSORS: Final = {"x86_64": (0, 0xC000003E, 317), "aarch64": (1, 0xC00000B7, 277)}
_SET_NO_NEW_PRIVILEGES: Final = 38
_FILTER, _ALL_THREADS = 1, 1

# Instructions of the filter (linux/bpf_common.h), and where it finds the processor, the call and its first argument.
_LOAD, _IF_EQUAL, _IF_AT_LEAST, _IF_SET, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_CALL_AT, _PROCESSOR_AT, _ARGUMENT_AT = 0, 4, 16
_ALLOW, _END_PROCESS, _ERROR = 0x7FFF0000, 0x80000000, 0x00050000
_NOT_PERMITTED, _NO_SUCH_CALL = _ERROR | 1, _ERROR | 38
# Calls of a second numbering of x86-64 begin here.
_OTHER_NUMBERING: Final = 0x40000000

Instruction = tuple[int, int, int, int]


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("instructions", ctypes.c_char_p))


def forbid_system_calls() -> bool:
    """Forbid them to all threads of this process, for good. False where that is not possible."""
    if sys.platform != "linux" or platform.machine() not in _PROCESSORS:
        return False
    place, processor, seccomp = _PROCESSORS[platform.machine()]
    packed = b"".join(struct.pack("=HBBI", *each) for each in _instructions(place, processor, os.getpid()))
    library = ctypes.CDLL(None)
    # Without new privileges, a process may set a filter for itself.
    if library.prctl(_SET_NO_NEW_PRIVILEGES, 1, 0, 0, 0) != 0:
        return False
    program = _Program(len(packed) // 8, packed)
    return bool(library.syscall(seccomp, _FILTER, _ALL_THREADS, ctypes.byref(program)) == 0)


def _instructions(place: int, processor: int, process_id: int) -> Iterator[Instruction]:
    yield _LOAD, 0, 0, _PROCESSOR_AT
    yield _IF_EQUAL, 1, 0, processor
    yield _RETURN, 0, 0, _END_PROCESS
    yield _LOAD, 0, 0, _CALL_AT
    yield _IF_AT_LEAST, 0, 1, _OTHER_NUMBERING
    yield _RETURN, 0, 0, _NOT_PERMITTED
    for numbers in _FORBIDDEN.values():
        if numbers[place]:
            yield _IF_EQUAL, 0, 1, numbers[place]
            yield _RETURN, 0, 0, _NOT_PERMITTED
    yield _IF_EQUAL, 0, 1, _CLONE3[place]
    yield _RETURN, 0, 0, _NO_SUCH_CALL
    yield from _only_if(_CLONE[place], (_IF_SET, _CLONE_THREAD))
    for numbers in _OWN_PROCESS_ONLY.values():
        yield from _only_if(numbers[place], (_IF_EQUAL, process_id))
    yield from _only_if(_LIMITS[place], (_IF_EQUAL, 0), (_IF_EQUAL, process_id))
    yield _RETURN, 0, 0, _ALLOW


def _only_if(number: int, *tests: tuple[int, int]) -> Iterator[Instruction]:
    """Allow a call if one of these tests holds for its first argument."""
    yield _IF_EQUAL, 0, len(tests) + 3, number
    yield _LOAD, 0, 0, _ARGUMENT_AT
    for place, (test, value) in enumerate(tests):
        yield test, len(tests) - place, 0, value
    yield _RETURN, 0, 0, _NOT_PERMITTED
    yield _RETURN, 0, 0, _ALLOW
