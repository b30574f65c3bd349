"""Reads a submission, which is untrusted, as data: answers by grade_id, laid into the instructor's notebook.

Only the learner's answers and own cells are taken from the file. Test cells, points and locked cells come from the
instructor, so that editing, deleting, duplicating or retyping them changes nothing.
"""

from __future__ import annotations

import copy
import hashlib
import json
import lzma
import os
import re
import stat
import tarfile
import zipfile
import zlib
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell

from grading import GradingError
from grading.assignment import Assignment, grade_id, role

MAX_BYTES = 10 * 2**20
MAX_CELLS = 500
MAX_ENTRIES = 100_000  # of an archive
MAX_REASON = 1000
MAX_NAME = 128  # of the student's column in nbgrader's tables
REFUSED = "refused.txt"  # in the place of a notebook that was not taken out of an archive


class IntakeError(GradingError):
    """A submission that cannot be read; the message is for a person who will act on it."""


@dataclass(frozen=True)
class Cell:
    """A cell of a submission, reduced to what may be used of it."""

    cell_type: str
    source: str
    key: str | None


@dataclass(frozen=True)
class Submission:
    """What a student handed in.

    Parameters
    ----------
    cells : list of Cell
        In the student's order.
    digest : str
        Of the file's bytes.
    """

    student: str
    cells: list[Cell]
    digest: str


@dataclass(frozen=True)
class Step:
    """One cell of the notebook to be graded: the cell to show, and what is done with it.

    `action` is "test" (run apart), "setup" (the instructor's: run on both sides), "run" (the student's), or "show".
    """

    cell: NotebookNode
    action: str
    name: str


@dataclass
class Plan:
    """The instructor's notebook with a student's answers in it, and what was odd about the submission."""

    steps: list[Step] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def unpack(archive: Path, assignment: str, folder: Path) -> list[str]:
    """Take a class's notebooks out of a zip or tar archive; return the students.

    In the archive a notebook lies at ``student/assignment/assignment.ipynb``, perhaps below other folders; nothing else
    is taken out. Nothing is written outside of `folder`, whatever the archive's names and links say, and no more of a
    file than a notebook may have, however much it unpacks to. A student whose notebook was refused has a note in its
    place, which `read` finds.

    Parameters
    ----------
    folder : Path
        Gets ``student/assignment/assignment.ipynb``.

    Raises
    ------
    IntakeError
        It is no archive, a damaged one, or has too many entries.
    """
    found: dict[str, str] = {}
    damage = (OSError, EOFError, ValueError, RuntimeError, zipfile.BadZipFile, zlib.error, lzma.LZMAError)
    try:
        with _entries(archive) as entries:
            for name, kind, read in entries:
                parts = name.replace("\\", "/").split("/")
                if len(parts) < 3 or parts[-2:] != [assignment, f"{assignment}.ipynb"]:
                    continue
                student = printable(parts[-3])
                if parts[0] == "" or ":" in parts[0] or ".." in parts or student in ("", "."):
                    continue  # whose it is cannot be said
                try:
                    reason = _refusal(name, kind, found.get(student))
                    data = b"" if reason else read(MAX_BYTES + 1)
                    if len(data) > MAX_BYTES:
                        reason = f"{name} unpacks to more than the {MAX_BYTES} bytes that are allowed"
                except damage as error:
                    reason = f"{name} cannot be unpacked: {error}"
                found[student] = name
                place = folder / student / assignment
                place.mkdir(parents=True, exist_ok=True)
                for old in (f"{assignment}.ipynb", REFUSED):
                    (place / old).unlink(missing_ok=True)
                if reason:
                    (place / REFUSED).write_text(printable(reason), encoding="utf-8")
                else:
                    (place / f"{assignment}.ipynb").write_bytes(data)
    except (*damage, tarfile.TarError) as error:
        raise IntakeError(f"{archive.name} cannot be unpacked: {error}") from error
    return sorted(found)


def _refusal(name: str, kind: str, earlier: str | None) -> str | None:
    """Return why an entry of an archive is not read, if so."""
    if kind != "file":
        return f"{name} is a {kind} in the archive; only regular files are read"
    if earlier is not None:
        return f"the archive has two notebooks of this student, {earlier} and {name}: take one out"
    return None


_Entry = tuple[str, str, Callable[[int], bytes]]


@contextmanager
def _entries(archive: Path) -> Iterator[Iterator[_Entry]]:
    """Yield an archive's entries, one after the other: name, what it is, and what reads at most so many bytes of it."""
    if zipfile.is_zipfile(archive):
        with zipfile.ZipFile(archive) as packed:
            if len(packed.infolist()) > MAX_ENTRIES:
                raise IntakeError(f"{archive.name} has {len(packed.infolist())} entries; {MAX_ENTRIES} are allowed")
            yield ((e.filename, _kind(e), partial(_read_entry, packed.open, e)) for e in packed.infolist())
    elif tarfile.is_tarfile(archive):
        with tarfile.open(archive) as packed:
            yield (
                (
                    e.name,
                    "file" if e.isfile() else "folder" if e.isdir() else "link or device",
                    partial(_read_entry, packed.extractfile, e),
                )
                for e in _at_most(packed, archive.name)
            )
    else:
        raise IntakeError(f"{archive.name} is neither a folder nor a zip or tar archive")


def _kind(entry: zipfile.ZipInfo) -> str:
    mode = entry.external_attr >> 16
    if entry.is_dir():
        return "folder"
    return "file" if stat.S_IFMT(mode) in (0, stat.S_IFREG) else "link or device"


def _at_most(entries: Iterable[Any], name: str) -> Iterator[Any]:
    for number, entry in enumerate(entries):
        if number >= MAX_ENTRIES:
            raise IntakeError(f"{name} has more than {MAX_ENTRIES} entries")
        yield entry


def _read_entry(open_entry: Callable[[Any], Any], entry: Any, size: int) -> bytes:
    with open_entry(entry) as file:
        data: bytes = file.read(size)
    return data


def find(submitted: Path, assignment: str) -> dict[str, Path]:
    """Return where each student's notebook should be, in nbgrader's layout: student -> path."""
    folders = sorted(submitted.iterdir())
    return {f.name: f / assignment / f"{assignment}.ipynb" for f in folders if os.path.lexists(f / assignment)}


def bad_name(student: str) -> str | None:
    """Return why nobody is graded under this name, which is a folder's; None where it will do."""
    if len(student) > MAX_NAME:
        return f"not graded: a gradebook holds {MAX_NAME} characters of a name; rename the folder"
    if printable(student) != student:
        return "not graded: the folder's name is not UTF-8; rename it"
    if re.search(r"[<>&\"\x00-\x1f\x7f]", student):
        return "not graded: the folder's name has characters that formgrader would take for HTML; rename it"
    return None


def read(student: str, path: Path) -> Submission:
    """Read a student's notebook.

    Raises
    ------
    IntakeError
        It is missing, not a regular file, too large, or not a notebook.
    """
    return parse(student, path.name, read_bytes(path))


def parse(student: str, name: str, data: bytes) -> Submission:
    """Read the bytes of a student's notebook.

    Raises
    ------
    IntakeError
        They are not a notebook.
    """
    try:
        notebook = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise IntakeError(f"{name} is not valid JSON ({error}); ask the student to save it again") from error
    return Submission(student, cells(notebook, name), digest(data))


def digest(data: bytes) -> str:
    """Return what stands for a submission's file in the key of its result."""
    return hashlib.sha256(data).hexdigest()


def cells(notebook: Any, name: str) -> list[Cell]:
    """Return the cells of a notebook that may be anything.

    Raises
    ------
    IntakeError
        It is not a notebook of format 4, or has too many cells.
    """
    if not isinstance(notebook, dict) or not isinstance(notebook.get("cells"), list):
        hint = "; it is in format 3: open it in JupyterLab and save it" if _format(notebook) == 3 else ""
        raise IntakeError(f"{name} is not a notebook of format 4{hint}")
    if len(notebook["cells"]) > MAX_CELLS:
        raise IntakeError(f"{name} has {len(notebook['cells'])} cells; {MAX_CELLS} are allowed")
    return [_cell(c, f"cell {i + 1} of {name}") for i, c in enumerate(notebook["cells"])]


def lay_in(assignment: Assignment, submission: Submission) -> Plan:
    """Lay the student's answers and own cells into the instructor's notebook."""
    plan = Plan()
    known = {key(c) for c in assignment.notebook.cells}
    # A cell that was copied keeps its name; nbgrader takes the last one for the answer, and so is it here.
    last = {c.key: i for i, c in enumerate(submission.cells) if c.key in known}
    own: dict[str | None, list[Cell]] = defaultdict(list)
    after: str | None = None
    for i, cell in enumerate(submission.cells):
        if cell.key in known and last[cell.key] == i:
            after = cell.key
        else:
            own[after].append(cell)
            if cell.key in known:
                plan.notes.append(f"the cell {cell.key} is there more than once; the last one counts")

    def add_own(place: str | None) -> None:
        for cell in own[place]:
            name = f"own-{sum(s.name.startswith('own-') for s in plan.steps) + 1}"
            new = new_code_cell if cell.cell_type == "code" else new_markdown_cell
            shown = new(cell.source, id=name)
            plan.steps.append(Step(shown, "run" if cell.cell_type == "code" else "show", name))

    add_own(None)
    for original in assignment.notebook.cells:
        shown = copy.copy(original)
        if shown.cell_type == "code":
            shown.outputs, shown.execution_count = [], None
        kind = role(original)
        place = key(original)
        given = submission.cells[last[place]].source if place in last else None
        if kind == "answer" or (kind == "free" and original.cell_type == "code"):
            if given is None and kind == "answer":
                plan.notes.append(f"the answer cell {place} is missing")
            shown.source = given if given is not None else ("" if kind == "answer" else original.source)
        if kind == "test":
            action = "test"
        elif original.cell_type != "code":
            action = "show"
        else:
            action = "setup" if kind == "locked" else "run"
        plan.steps.append(Step(shown, action, place.removeprefix("id:")))
        add_own(place)
    return plan


def key(cell: NotebookNode) -> str:
    """Return the name by which a cell of the instructor's notebook is found in a submission."""
    return grade_id(cell) or f"id:{cell.id}"


def read_bytes(path: Path) -> bytes:
    """Return the content of a student's file.

    Raises
    ------
    IntakeError
        It is missing, not a regular file, or too large.
    """
    for folder in (path.parent.parent, path.parent):
        if folder.is_symlink() or not folder.is_dir():
            raise IntakeError(f"{folder.name} is not a folder; links are not followed")
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except FileNotFoundError:
        if (path.parent / REFUSED).is_file():
            reason = (path.parent / REFUSED).read_text(encoding="utf-8", errors="replace")[:MAX_REASON]
            raise IntakeError(f"refused when it was unpacked: {reason}") from None
        there = sorted(p.name for p in path.parent.glob("*.ipynb"))[:3]
        found = f"; found {printable(', '.join(there))}" if there else ""
        raise IntakeError(f"no notebook named {path.name}{found}") from None
    except OSError as error:
        raise IntakeError(f"{path.name} cannot be opened ({error.strerror}); links are not followed") from error
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise IntakeError(f"{path.name} is not a regular file")
        if status.st_size > MAX_BYTES:
            raise IntakeError(f"{path.name} has {status.st_size} bytes; {MAX_BYTES} are allowed")
        with open(descriptor, "rb", closefd=False) as file:
            return file.read(MAX_BYTES + 1)
    finally:
        os.close(descriptor)


def printable(text: str) -> str:
    """Replace what no file and no terminal can take: half of a surrogate pair, a file name that is not UTF-8."""
    return text.encode("utf-8", "replace").decode()


def _format(notebook: Any) -> Any:
    return notebook.get("nbformat") if isinstance(notebook, dict) else None


def _cell(cell: Any, name: str) -> Cell:
    if not isinstance(cell, dict):
        raise IntakeError(f"{name} is not a cell")
    source = cell.get("source", "")
    if isinstance(source, list) and all(isinstance(line, str) for line in source):
        source = "".join(source)
    if not isinstance(source, str):
        raise IntakeError(f"{name} has no text")
    source = printable(source)
    metadata = cell.get("metadata")
    marks = metadata.get("nbgrader") if isinstance(metadata, dict) else None
    found = marks.get("grade_id") if isinstance(marks, dict) else None
    if not isinstance(found, str):
        found = f"id:{cell['id']}" if isinstance(cell.get("id"), str) else None
    return Cell("code" if cell.get("cell_type") == "code" else "markdown", source, found)
