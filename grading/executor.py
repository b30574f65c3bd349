"""Grades a class: submissions go to processes of this machine, or to a scheduler's workers, and results come back.

A submission is sent as bytes and its result comes back as text, so that it makes no difference where a worker runs:
results are the same to the byte.
"""

from __future__ import annotations

import functools
import gc
import multiprocessing
import multiprocessing.connection
import os
import pickle
import signal
import socket
import threading
from collections import deque
from collections.abc import Callable, Generator, Mapping
from concurrent.futures import FIRST_COMPLETED, CancelledError, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import forkserver
from pathlib import Path
from typing import Any, Protocol

from course_lib.checks import SEED_VARIABLE
from grading import GradingError, cgroups, intake, sandbox
from grading.assignment import Assignment
from grading.results import Kept, Result, environment, key, ungraded

# What tests import is loaded before workers are forked, but for what starts threads or reads settings meanwhile.
FORKABLE = ("course_lib", "matplotlib", "numpy", "scipy", "sklearn")
AHEAD = 16  # submissions under way for each worker: enough that none is idle, few enough for memory


class WorkerError(GradingError):
    """A scheduler, or a worker of it, is not fit to grade; the message says why and what to do."""


class Pool(Protocol):
    """Processes that call functions: those of this machine (`Local`), or a scheduler's (`Scheduled`)."""

    size: int
    isolated: bool
    broken: tuple[type[BaseException], ...]  # what a future raises when the process that had it ended

    def submit(self, function: Callable[..., Any], *arguments: Any) -> Future[Any]:
        """Call the function in some process."""

    def close(self) -> None:
        """End the processes, and forget what waits for them."""


class Local:
    """Processes of this machine, forked from one that has loaded what grading needs.

    The start takes seconds, but not this process's: it goes on at once, and the first use waits.

    Parameters
    ----------
    size : int
        How many.
    modules, trusted_modules : tuple of str
        What the notebooks import, and their tests.
    isolated : bool
        Whether student code is confined.
    """

    broken: tuple[type[BaseException], ...] = (BrokenProcessPool,)

    def __init__(
        self,
        size: int,
        modules: tuple[str, ...] = (),
        trusted_modules: tuple[str, ...] = (),
        *,
        isolated: bool = True,
    ) -> None:
        self.size = size
        self.isolated = isolated
        self._modules = modules
        self._context = multiprocessing.get_context("forkserver")
        loaded_once = [name for name in trusted_modules if name.partition(".")[0] in FORKABLE]
        self._context.set_forkserver_preload(["grading.grade", *loaded_once])
        forkserver.ensure_running()
        self._nursery = sandbox.Nursery(modules, isolated)
        self._executor: ProcessPoolExecutor | None = None
        self._changing = threading.Lock()

    def submit(self, function: Callable[..., Any], *arguments: Any) -> Future[Any]:
        """Call the function in some process.

        Raises
        ------
        NoIsolation
            Student code cannot be confined here.
        """
        with self._changing:
            if self._executor is None:
                self._executor = self._start()
            try:
                return self._executor.submit(function, *arguments)
            except BrokenProcessPool:  # one of them ended; the others have been ended too
                self._executor = self._start()
                return self._executor.submit(function, *arguments)

    def close(self) -> None:
        """End the processes, and forget what waits for them."""
        with self._changing:
            if self._executor is not None:
                self._executor.shutdown(cancel_futures=True)
        self._nursery.close()
        cgroups.remove_stale()  # the processes of the pool end without doing so

    def _start(self) -> ProcessPoolExecutor:
        connection = self._nursery.connection()
        arguments = (dict(os.environ), self._modules, connection, self.isolated)
        return ProcessPoolExecutor(self.size, self._context, initializer=_begin, initargs=arguments)


def _begin(variables: dict[str, str], modules: tuple[str, ...], nursery: socket.socket, isolated: bool) -> None:
    """Make a new process one that grades: it leaves Ctrl-C to the one that asked for it, and ends with it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    os.environ.clear()  # it may have changed since the process began from which this one was forked
    os.environ.update(variables)
    sandbox.adopt(modules, nursery, isolated)
    gc.freeze()  # what is loaded stays, and need not be looked through for garbage again and again


def _end_with_parent() -> None:
    """Wait for the end of the process that asked for this one, which may have been killed."""
    parent = multiprocessing.parent_process()
    assert parent is not None
    multiprocessing.connection.wait([parent.sentinel])
    os._exit(1)


class Scheduled:
    """The workers of a running dask.distributed scheduler; each grades with processes of its own machine.

    Raises
    ------
    WorkerError
        There is no scheduler at this address, it has no workers, or dask is not installed.
    """

    isolated = True

    def __init__(self, address: str, modules: tuple[str, ...] = (), trusted_modules: tuple[str, ...] = ()) -> None:
        try:
            from distributed import Client
            from distributed.scheduler import KilledWorker
        except ImportError as error:
            raise WorkerError('--scheduler needs dask: pip install "sigmoid-course[scale]"') from error
        try:
            client: Any = Client(address, timeout="10s", set_as_default=False)
        except (OSError, ValueError) as error:
            raise WorkerError(f"no scheduler answers at {address}: start one with `dask scheduler`") from error
        self.broken: tuple[type[BaseException], ...] = (BrokenProcessPool, KilledWorker)
        self._modules = modules, trusted_modules
        self._client = client
        self._executor = client.get_executor(pure=False)
        self.size = sum(worker["nthreads"] for worker in client.scheduler_info(n_workers=-1)["workers"].values())
        if not self.size:
            client.close()
            raise WorkerError(f"the scheduler at {address} has no workers: start some with `dask worker {address}`")

    def submit(self, function: Callable[..., Any], *arguments: Any) -> Future[Any]:
        """Call the function in a process of some worker's machine."""
        submitted: Future[Any] = self._executor.submit(_in_a_process_of_this_worker, self._modules, function, arguments)
        return submitted

    def close(self) -> None:
        """Leave the scheduler, and forget what waits for its workers."""
        self._executor.shutdown(wait=False)
        self._client.close()


def _in_a_process_of_this_worker(
    modules: tuple[tuple[str, ...], ...], function: Callable[..., Any], arguments: tuple[Any, ...]
) -> Any:
    """Call a function where a worker's threads cannot be: limits of time are signals, which only main threads hear."""
    if multiprocessing.current_process().daemon:
        raise WorkerError(
            "a dask worker may not start processes: start it with DASK_DISTRIBUTED__WORKER__DAEMON=False, "
            "or with --no-nanny"
        )
    with _making:
        pool = _pool_of_this_worker(modules)
    return pool.submit(function, *arguments).result()


_making = threading.Lock()


@functools.lru_cache(maxsize=1)
def _pool_of_this_worker(modules: tuple[tuple[str, ...], ...]) -> Local:
    from distributed import get_worker

    return Local(get_worker().state.nthreads, *modules)


def grade_class(
    assignment: Assignment, paths: Mapping[str, Path], results: Path, pool: Pool
) -> Generator[Result, None, None]:
    """Start to grade many submissions, and return what yields each result when it is there.

    Results are kept in the folder `results`; one that is there already, for the same submission, tests and environment,
    is not made again, so that a run that was stopped goes on where it was. A run without isolation takes one that was
    made with isolation, too, and never the reverse. Where a process of the pool ends, what it
    and its neighbours had is graded again, one at a time; what ends one alone needs a person.

    Parameters
    ----------
    paths : mapping of str to Path
        Where each student's notebook should be.
    """
    kept = Kept(results / assignment.name)
    common = pickle.dumps(assignment), os.environ.get(SEED_VARIABLE, "0"), environment()
    waiting: dict[Future[str], tuple[str, bool]] = {}
    left, suspects = deque(paths), deque[str]()

    def hand_out() -> list[Result]:
        """Let the pool have as much as it should, and return what it need not have."""
        there = []
        alone = bool(suspects)
        queue = suspects if alone else left
        while queue and len(waiting) < (1 if alone else AHEAD * pool.size):
            student = queue.popleft()
            try:
                data = intake.read_bytes(paths[student])
            except intake.IntakeError as error:
                there.append(_kept(kept, ungraded(assignment, student, str(error))))
                continue
            if (known := _known(kept, assignment, student, data, pool.isolated)) is not None:
                there.append(known)
            else:
                waiting[pool.submit(_grade, *common, student, paths[student].name, data)] = student, alone
            if len(there) >= AHEAD:
                break
        return there

    def graded(student: str, was_alone: bool, done: Future[str]) -> Result | None:
        try:
            text = done.result()
        except pool.broken:
            if was_alone:
                return ungraded(assignment, student, "the grader's own process ended while it graded this")
            suspects.append(student)
            return None
        except CancelledError as error:
            raise WorkerError(
                "the scheduler went away; start it again: the same command goes on from what was graded"
            ) from error
        except GradingError:
            raise
        except Exception as error:  # a bug of ours, that this submission brought out: the others are graded
            reason = f"the grader failed on it: {type(error).__name__}: {error}"
            return ungraded(assignment, student, intake.printable(reason)[: intake.MAX_REASON])
        return _kept(kept, Result.from_json(text), text)

    def all_results(there: list[Result]) -> Generator[Result, None, None]:
        try:
            while there or waiting:
                yield from there
                for done in () if there else wait(waiting, return_when=FIRST_COMPLETED).done:
                    if (result := graded(*waiting.pop(done), done)) is not None:
                        yield result
                there = hand_out()
        finally:
            for future in waiting:
                future.cancel()

    return all_results(hand_out())


def _known(kept: Kept, assignment: Assignment, student: str, data: bytes, isolated: bool) -> Result | None:
    """Return the result that is there already; where there are two, the one with isolation, as a gradebook has it."""
    digest = intake.digest(data)
    known = kept.get(student, key(assignment, digest))
    if known is None and not isolated:
        known = kept.get(student, key(assignment, digest, isolated=False))
    return known


def _kept(kept: Kept, result: Result, text: str | None = None) -> Result:
    kept.add(result.student, result.key, text or result.to_json())
    return result


def _grade(packed: bytes, seed: str, graders: str, student: str, name: str, data: bytes) -> str:
    """Grade one submission in the process that this is, for one that has the environment `graders`."""
    from grading.grade import grade

    if environment() != graders:
        raise WorkerError(
            f"a worker on {socket.gethostname()} would give other results than this machine: it has {environment()}, "
            f"and here is {graders}; install the same on both"
        )
    os.environ[SEED_VARIABLE] = seed
    assignment = _unpacked(packed)
    try:
        submission = intake.parse(student, name, data)
    except intake.IntakeError as error:
        return ungraded(assignment, student, str(error), intake.digest(data)).to_json()
    return grade(assignment, submission).to_json()


@functools.lru_cache(maxsize=1)
def _unpacked(packed: bytes) -> Assignment:
    assignment: Assignment = pickle.loads(packed)
    return assignment


def kept_results(assignment: Assignment, paths: Mapping[str, Path], results: Path) -> dict[str, Result]:
    """Return those results that are there already for what students handed in, as it is now."""
    kept = Kept(results / assignment.name)
    found = {}
    for student, path in paths.items():
        try:
            result = _known(kept, assignment, student, intake.read_bytes(path), isolated=False)
        except intake.IntakeError as error:
            result = kept.get(student, ungraded(assignment, student, str(error)).key)
        if result is not None:
            found[student] = result
    return found
