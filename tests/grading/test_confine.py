"""A fork that begins in namespaces of its own, in one step, or in two where Linux or threads ask for it."""

import subprocess
import sys

import pytest

from .conftest import require_isolation

WAYS = {
    "one step": "",
    "Linux does not say where the thread's number is": "confine._thread_number = lambda: None",
    "threads": "threading.Thread(target=threading.Event().wait, daemon=True).start()",
}

# As whom the C library locks a mutex is the third number in it.
FORK = """import ctypes, os, select, signal, threading
from grading import confine
{way}
signal.signal(signal.SIGCHLD, signal.SIG_IGN)

def spaces():
    return {{name: os.readlink("/proc/self/ns/" + name) for name in ("user", "pid", "net", "ipc", "uts", "mnt")}}

def in_a_fork(function):
    child = confine.fork_into_namespaces()
    if child == 0:
        try:
            function()
        finally:
            os._exit(0)
    ends = select.poll()
    try:
        ends.register(os.pidfd_open(child), select.POLLIN)
    except ProcessLookupError:
        return
    assert ends.poll(20_000)

def look():
    mutex = (ctypes.c_int * 16)()
    ctypes.CDLL(None).pthread_mutex_lock(mutex)
    there = spaces()
    print(os.getpid(), os.getppid(), mutex[2], threading.active_count(), [n for n in there if there[n] == before[n]])
    thread = threading.Thread(target=print, args=("a thread",))
    thread.start()
    thread.join()

def fork_again():
    for file, text in (("setgroups", "deny"), ("uid_map", "{{0}} {{0}} 1".format(confine._USER[0]))):
        with open("/proc/self/" + file, "w") as there:
            there.write(text)
    with open("/proc/sys/user/max_user_namespaces", "w") as most:
        most.write("0")
    try:
        in_a_fork(print)
    except OSError as error:
        print(error.strerror)

before = spaces()
in_a_fork({function})
"""


@pytest.fixture(autouse=True, scope="module")
def isolation():
    """Ask for it."""
    require_isolation()


def said(way: str, function: str) -> str:
    code = FORK.format(way=WAYS[way], function=function)
    return subprocess.run([sys.executable, "-u", "-c", code], check=True, capture_output=True, text=True).stdout


@pytest.mark.parametrize("way", WAYS)
def test_a_fork_is_process_1_of_namespaces_of_its_own(way):
    assert said(way, "look") == "1 0 1 1 []\na thread\n"


@pytest.mark.parametrize("way", WAYS)
def test_where_there_are_no_namespaces_the_process_that_asked_is_told(way):
    assert "No space left on device" in said(way, "fork_again")
