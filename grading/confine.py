"""Inside the sandbox, in a fork of the warm process: puts itself into namespaces of its own before student code runs.

Linux's own calls, by ctypes: Python has had some of them only since 3.12, and mounts not at all.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import functools
import operator
import os
import platform
import random
import resource
import signal
import struct
import tempfile
from typing import Any

# linux/sched.h, sys/mount.h, linux/prctl.h, linux/capability.h
_CLONE_NEW = (0x10000000, 0x20000, 0x20000000, 0x40000000, 0x8000000, 0x4000000)  # user, mount, pid, net, ipc, uts
_MS_NOSUID, _MS_NODEV, _MS_NOEXEC, _MS_BIND, _MS_REC, _MS_PRIVATE = 2, 4, 8, 4096, 16384, 1 << 18
_CLONE_CHILD_SETTID, _CLONE_CHILD_CLEARTID = 0x1000000, 0x200000
_CLONE3 = 435  # the number of the call, everywhere
_PR_SET_PDEATHSIG, _PR_CAPBSET_READ, _PR_CAPBSET_DROP, _PR_SET_NO_NEW_PRIVS, _PR_GET_TID_ADDRESS = 1, 23, 24, 38, 40
_CAPABILITY_VERSION_3 = 0x20080522
_KEYCTL = {"x86_64": 250, "aarch64": 219}  # the number of the call
_KEYCTL_JOIN_SESSION_KEYRING = 1
_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER = 22, 2
_MAX_FILES = 1024  # open at once; each may hold what no limit of memory counts
_MAX_INODES = 10_000  # in a scratch folder; an empty file takes a kilobyte of the kernel's own memory

# linux/audit.h and asm/unistd.h. Calls that no notebook needs and that hold memory which no limit of a process counts
# (memfd, System V memory, messages and semaphores, message queues, keys), reach into other processes, count for all of
# a user's processes, or are where kernels have been broken into.
_REFUSED = {
    "x86_64": (
        0xC000003E,
        {
            "shmget": 29, "semget": 64, "msgget": 68, "ptrace": 101, "mq_open": 240, "add_key": 248, "request_key": 249,
            "keyctl": 250, "inotify_init": 253, "inotify_init1": 294, "perf_event_open": 298, "fanotify_init": 300,
            "process_vm_readv": 310, "process_vm_writev": 311, "memfd_create": 319, "bpf": 321, "userfaultfd": 323,
            "io_uring_setup": 425, "pidfd_getfd": 438, "memfd_secret": 447,
        },
    ),
    "aarch64": (
        0xC00000B7,
        {
            "shmget": 194, "semget": 190, "msgget": 186, "ptrace": 117, "mq_open": 180, "add_key": 217,
            "request_key": 218, "keyctl": 219, "inotify_init1": 26, "perf_event_open": 241, "fanotify_init": 262,
            "process_vm_readv": 270, "process_vm_writev": 271, "memfd_create": 279, "bpf": 280, "userfaultfd": 282,
            "io_uring_setup": 425, "pidfd_getfd": 438, "memfd_secret": 447,
        },
    ),
}  # fmt: skip

SCRATCH = ("/tmp", "/home/student", "/dev/shm")

_NEW_NAMESPACES = functools.reduce(operator.or_, _CLONE_NEW)
_USER = os.getuid(), os.getgid()  # in new namespaces a process is nobody, until these are mapped

_libc = ctypes.CDLL(None, use_errno=True)
_python = ctypes.PyDLL(None, use_errno=True)  # which holds Python's lock meanwhile, as a fork has to


def _call(name: str, *arguments: Any) -> int:
    result = int(getattr(_libc, name)(*arguments))
    if result < 0:
        raise OSError(ctypes.get_errno(), f"{name}: {os.strerror(ctypes.get_errno())}")
    return result


def _mount(source: str | None, target: str, kind: str | None, flags: int, data: str | None = None) -> None:
    texts = [None if text is None else text.encode() for text in (source, target, kind, data)]
    _call("mount", *texts[:3], ctypes.c_ulong(flags), texts[3])


def fork_into_namespaces() -> int:
    """Fork, as `os.fork` does; the new process is the first one of new user, pid, and other namespaces.

    Raises
    ------
    OSError
        There are no namespaces to be had here.
    """
    number = _thread_number()
    if number is None or len(os.listdir("/proc/self/task")) > 1:  # the C library has to put its locks in order
        return _fork_twice()
    # As linux/sched.h has it: flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, tls.
    flags = _NEW_NAMESPACES | _CLONE_CHILD_SETTID | _CLONE_CHILD_CLEARTID
    arguments = struct.pack("=8Q", flags, 0, number, 0, signal.SIGCHLD, 0, 0, 0)
    ctypes.pythonapi.PyOS_BeforeFork()
    child = int(_python.syscall(_CLONE3, arguments, len(arguments)))
    if child == 0:
        ctypes.pythonapi.PyOS_AfterFork_Child()
        return 0
    error = ctypes.get_errno()
    ctypes.pythonapi.PyOS_AfterFork_Parent()
    if child < 0:
        raise OSError(error, f"clone3: {os.strerror(error)}")
    return child


def _thread_number() -> int | None:
    """Return where the C library keeps this thread's number, which is another one in a new process, if Linux says so.

    Calls of pthread compare it with other threads' numbers: one that was not brought up to date may be another's.
    """
    address = ctypes.c_void_p()
    return address.value if _libc.prctl(_PR_GET_TID_ADDRESS, ctypes.byref(address), 0, 0, 0) == 0 else None


def _fork_twice() -> int:
    """Fork into namespaces by way of a process that makes them and ends."""
    reading, writing = os.pipe()
    between = os.fork()
    if between == 0:
        try:
            _call("unshare", _NEW_NAMESPACES)
            child = os.fork()
            if child == 0:
                os.close(reading)
                os.close(writing)
                return 0
        except BaseException as error:
            child = -getattr(error, "errno", errno.EAGAIN)
        os.write(writing, str(child).encode())
        os._exit(0)
    os.close(writing)
    with open(reading) as answer:
        child = int(answer.read())
    if child < 0:
        raise OSError(-child, f"unshare: {os.strerror(-child)}")
    return child


def furnish_namespaces(scratch_bytes: int) -> None:
    """Leave what the warm process and its other forks can be reached by.

    A user; empty scratch folders of limited size; an empty /proc, since the old one shows the others' processes and a
    new one is not to be had for root; no further user namespaces, in which memory could be mounted without a limit.
    """
    uid, gid = _USER
    for file, text in (("setgroups", "deny"), ("uid_map", f"{uid} {uid} 1"), ("gid_map", f"{gid} {gid} 1")):
        _write(f"/proc/self/{file}", text)
    _write("/proc/sys/user/max_user_namespaces", "0")
    _mount(None, "/", None, _MS_REC | _MS_PRIVATE)
    kept = {path: os.open(path, os.O_PATH) for path in _mounts_below(SCRATCH)}
    for folder in SCRATCH:
        _mount(
            "tmpfs", folder, "tmpfs", _MS_NOSUID | _MS_NODEV, f"size={scratch_bytes},nr_inodes={_MAX_INODES},mode=0700"
        )
    for path, descriptor in kept.items():  # an interpreter that is installed below a scratch folder
        os.makedirs(path, exist_ok=True)
        _mount(f"/proc/self/fd/{descriptor}", path, None, _MS_BIND | _MS_REC)
        os.close(descriptor)
    _mount("devpts", "/dev/pts", "devpts", _MS_NOSUID | _MS_NOEXEC, "ptmxmode=0666")  # else all see all terminals
    _mount("tmpfs", "/proc", "tmpfs", _MS_NOSUID | _MS_NODEV, "size=4096,mode=0555")
    os.chdir("/home/student")  # what the old folder of that name was covered by


def _write(path: str, text: str) -> None:
    with open(path, "w") as file:
        file.write(text)


def _mounts_below(folders: tuple[str, ...]) -> list[str]:
    """Return the folders that are mounted below some others, less those inside one another."""
    with open("/proc/self/mountinfo") as file:
        points = [line.split()[4].encode().decode("unicode_escape") for line in file]
    inner = [p for p in points if any(p.startswith(f + "/") for f in folders) and os.path.isdir(p)]
    return [p for p in inner if not any(p.startswith(other + "/") for other in inner)]


def enter_folder(folder: str) -> None:
    """Make do without namespaces: be at home in a folder of one's own, and end with the warm process."""
    _call("prctl", _PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    os.chdir(folder)
    os.environ |= {"HOME": folder, "TMPDIR": folder}
    tempfile.tempdir = None  # what was found for the warm process


def give_up_privileges(required: bool = True) -> None:
    """Leave what forks share beside namespaces, and drop every capability for good, also for programs to be run.

    Outside a user namespace of one's own not all of it need be permitted; then it is not `required`.
    """
    not_permitted = () if required else (OSError,)
    os.setsid()  # a signal to one's own process group is sent to all of it, whatever the namespace
    if number := _KEYCTL.get(platform.machine()):
        _libc.syscall(number, _KEYCTL_JOIN_SESSION_KEYRING, None)  # keys outlive a process; fails where there are none
    capability = 0
    with contextlib.suppress(*not_permitted):
        while _libc.prctl(_PR_CAPBSET_READ, capability, 0, 0, 0) >= 0:
            _call("prctl", _PR_CAPBSET_DROP, capability, 0, 0, 0)
            capability += 1
    _call("prctl", _PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION_3, 0)
    _call("capset", header, (ctypes.c_uint32 * 6)())
    with contextlib.suppress(*not_permitted):
        _refuse_calls()


def _refuse_calls() -> None:
    """Let the kernel answer that it has no such call, here and in all that is started from here."""
    if platform.machine() not in _REFUSED:
        return
    architecture, calls = _REFUSED[platform.machine()]
    numbers = sorted(calls.values())
    # Instructions of linux/filter.h: what to do, where to go on if so and if not (that many further), and a number.
    load, equal, at_least, answer = 0x20, 0x15, 0x35, 0x06
    refuse = 0x00050000 | errno.ENOSYS
    program = [(load, 0, 0, 4), (equal, 1, 0, architecture), (answer, 0, 0, refuse), (load, 0, 0, 0)]
    program += [(at_least, len(numbers) + 1, 0, 0x40000000)]  # x86_64's calls by another number
    program += [(equal, len(numbers) - i, 0, number) for i, number in enumerate(numbers)]
    program += [(answer, 0, 0, 0x7FFF0000), (answer, 0, 0, refuse)]
    code = b"".join(struct.pack("=HBBI", *instruction) for instruction in program)
    held = ctypes.create_string_buffer(code)
    filters = struct.pack("@HP", len(program), ctypes.addressof(held))
    _call("prctl", _PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, filters, 0, 0)


def address_space() -> int:
    """Return how many bytes this process has mapped."""
    with open("/proc/self/statm") as file:
        return int(file.read().split()[0]) * resource.getpagesize()


def limit(memory_bytes: int, cpu_seconds: int, file_bytes: int, processes: int = -1) -> None:
    """Set what one process may use, for good; -1 is no limit of its own."""
    for what, most in (
        (resource.RLIMIT_AS, memory_bytes),
        (resource.RLIMIT_CPU, cpu_seconds),
        (resource.RLIMIT_FSIZE, file_bytes),
        *([] if processes < 0 else [(resource.RLIMIT_NPROC, processes)]),
        (resource.RLIMIT_NOFILE, _MAX_FILES),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(what, (most, most))


def fresh_randomness() -> None:
    """Let every fork draw its own random numbers, as every new process does."""
    import numpy as np

    random.seed()
    np.random.seed()  # noqa: NPY002 - it is the old generator that has a state to share
