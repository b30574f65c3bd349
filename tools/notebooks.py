"""Execute the book's chapters and store them in one canonical form.

    python tools/notebooks.py                    execute every chapter, write what changed
    python tools/notebooks.py book/01_curve.ipynb
    python tools/notebooks.py --check            execute nothing; name the files that are not in canonical form

A notebook on disk changes only when its source or its outputs do. Everything else that an editor or a kernel leaves
behind (times, random ids, counters, versions, memory addresses, the order of keys, colours that nobody sees) is taken
out or made regular, so a second run writes nothing and a diff shows what an author did. :func:`canonical` and
:func:`write` are used for exercises too.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import io
import os
import re
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from copy import deepcopy
from functools import partial
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode
from PIL import Image

ROOT = Path(__file__).resolve().parent.parent

# What every notebook says of its language. No version: the same file is written by each Python that can run it.
NOTEBOOK_METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {
        "codemirror_mode": {"name": "ipython", "version": 3},
        "file_extension": ".py",
        "mimetype": "text/x-python",
        "name": "python",
        "nbconvert_exporter": "python",
        "pygments_lexer": "ipython3",
    },
}
# Left by editors and executors; says nothing about the notebook.
EDITOR_METADATA = ("execution", "ExecuteTime", "collapsed", "scrolled", "trusted", "vscode", "pycharm", "colab")

_ADDRESS = re.compile(r"\bat 0x[0-9a-fA-F]+")
_NOT_AN_ID = re.compile(r"[^A-Za-z0-9_-]+")


def canonical(nb: NotebookNode) -> NotebookNode:
    """Return the canonical form of a notebook; the argument is left as it is.

    A pure function of sources, outputs and meaningful metadata, and idempotent.

    Parameters
    ----------
    nb : NotebookNode
        Any valid version 4 notebook, executed or not.

    Returns
    -------
    NotebookNode
        Version 4.5. Cell ids are nbgrader's grade_id, else a digest of the cell's type and source. Execution counts are
        1, 2, 3, … where the notebook was executed, and absent where it was not.

    Examples
    --------
    >>> nb = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("1 + 1", id="from-an-editor")])
    >>> canonical(nb).cells[0].id
    '51acba95'
    """
    nb = deepcopy(nb)
    nb.nbformat, nb.nbformat_minor = 4, 5
    nb.metadata = nbformat.from_dict(NOTEBOOK_METADATA)
    executed = any(cell.cell_type == "code" and cell.outputs for cell in nb.cells)
    count = 0
    ids: Counter[str] = Counter()
    for cell in nb.cells:
        cell.source = "\n".join(line.rstrip() for line in cell.source.split("\n")).strip("\n")
        cell.id = _cell_id(cell, ids)
        for key in EDITOR_METADATA:
            cell.metadata.pop(key, None)
        if "tags" in cell.metadata:
            cell.metadata.tags = sorted(set(cell.metadata.tags))
        if cell.cell_type != "code":
            continue
        cell.execution_count = None
        if executed and cell.source:
            count += 1
            cell.execution_count = count
        cell.outputs = _outputs(cell)
    return nb


def dumps(nb: NotebookNode) -> str:
    """Return the text of a notebook: keys sorted, indented by one, newline at the end."""
    nbformat.validate(nb)
    text: str = nbformat.writes(nb, version=nbformat.NO_CONVERT)
    return text.rstrip("\n") + "\n"


def write(path: str | os.PathLike[str], nb: NotebookNode) -> bool:
    """Write the canonical form of `nb`, in one step; return whether the file changed."""
    path = Path(path)
    text = dumps(canonical(nb))
    if path.exists() and path.read_text(encoding="utf-8") == text:
        return False
    path.parent.mkdir(parents=True, exist_ok=True)
    half_written = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    half_written.write_text(text, encoding="utf-8", newline="\n")
    half_written.replace(path)
    return True


def is_canonical(path: str | os.PathLike[str]) -> bool:
    """Whether the file holds exactly what :func:`write` would write."""
    text = Path(path).read_text(encoding="utf-8")
    return text == dumps(canonical(nbformat.reads(text, as_version=4)))


def execute(
    path: str | os.PathLike[str], each_cell: Callable[[], object] = lambda: None, timeout: int = 600
) -> NotebookNode:
    """Run a notebook from top to bottom in a fresh kernel, in its own folder.

    Parameters
    ----------
    path : path
        The notebook; it is read and not written.
    each_cell : callable
        Called after each code cell.
    timeout : int
        Seconds that one cell may take.

    Returns
    -------
    NotebookNode
        With the new outputs.

    Raises
    ------
    nbclient.exceptions.CellExecutionError
        A cell raised; the message holds the cell and its traceback.
    """
    from nbclient import NotebookClient

    path = Path(path)
    nb = nbformat.read(path, as_version=4)
    for cell in nb.cells:
        if cell.cell_type == "code":
            cell.outputs = []
    client = NotebookClient(
        nb,
        kernel_name="python3",
        timeout=timeout,
        record_timing=False,
        extra_arguments=["--log-level=ERROR"],
        resources={"metadata": {"path": str(path.resolve().parent)}},
        on_cell_executed=lambda **_: each_cell(),
    )
    client.execute()
    return nb


def chapters() -> list[Path]:
    """List the book's chapters, in order."""
    return sorted((ROOT / "book").glob("[0-9][0-9]_*.ipynb"))


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit status."""
    parser = argparse.ArgumentParser(prog="tools/notebooks.py", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("files", nargs="*", type=Path, metavar="FILE", help="notebooks (default: every chapter)")
    parser.add_argument("--check", action="store_true", help="execute nothing; exit 1 if a file is not canonical")
    options = parser.parse_args(argv)
    files = options.files or chapters()
    missing = [file for file in files if not file.is_file()]
    if missing:
        parser.error(f"no such file: {', '.join(map(str, missing))}")
    return _check(files) if options.check else _execute_all(files)


def _check(files: Sequence[Path]) -> int:
    wrong = [file for file in files if not is_canonical(file)]
    for file in wrong:
        print(f"{file}: not in canonical form; run python tools/notebooks.py {file}")
    print(f"{len(files) - len(wrong)} of {len(files)} notebooks are in canonical form")
    return 1 if wrong else 0


def _execute_all(files: Sequence[Path]) -> int:
    from nbclient.exceptions import CellExecutionError
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    failed = 0
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("cells"),
        TimeElapsedColumn(),
    )
    with Progress(*columns) as progress:
        for file in files:
            cells = nbformat.read(file, as_version=4).cells
            code = sum(cell.cell_type == "code" and bool(cell.source.strip()) for cell in cells)
            task = progress.add_task(file.name, total=code)
            try:
                nb = execute(file, partial(progress.advance, task))
            except CellExecutionError as error:
                failed += 1
                progress.update(task, description=f"{file.name}: failed")
                progress.console.print(str(error), markup=False, highlight=False, soft_wrap=True)
                continue
            changed = write(file, nb)
            progress.update(task, description=f"{file.name}: {'written' if changed else 'unchanged'}")
    return 1 if failed else 0


def _cell_id(cell: NotebookNode, seen: Counter[str]) -> str:
    """grade_id where nbgrader gave one, else a digest of what the cell says; a repeated cell gets a number."""
    grade_id = cell.metadata.get("nbgrader", {}).get("grade_id", "")
    base = _NOT_AN_ID.sub("-", grade_id)[:56]
    if not base:
        base = hashlib.sha256(f"{cell.cell_type}\n{cell.source}".encode()).hexdigest()[:8]
    seen[base] += 1
    return base if seen[base] == 1 else f"{base}-{seen[base]}"


def _outputs(cell: NotebookNode) -> list[NotebookNode]:
    """Return outputs without counters, addresses, or the accident of how a stream was cut."""
    out: list[NotebookNode] = []
    for output in cell.outputs:
        if output.output_type == "stream" and out and out[-1].get("name") == output.name:
            out[-1].text += output.text
            continue
        if output.output_type == "execute_result":
            output.execution_count = cell.execution_count
        out.append(output)
    for output in out:
        if output.output_type == "stream":
            output.text = _ADDRESS.sub("at 0x0", output.text)
        for mime, data in output.get("data", {}).items():
            if mime.startswith("text/"):
                output.data[mime] = _without_addresses(data)
            elif mime == "image/png":
                output.data[mime] = _with_a_palette(data)
    return out


def _without_addresses(data: Any) -> Any:
    return _ADDRESS.sub("at 0x0", data) if isinstance(data, str) else data


def _with_a_palette(png: str) -> str:
    """Return a PNG in base64 with at most 256 colours, which takes a third of the bytes; one that has them as it is.

    A figure has a few inks, and their shades where lines are smoothed.
    """
    with Image.open(io.BytesIO(base64.b64decode(png))) as image:
        if image.mode == "P":
            return png
        written = io.BytesIO()
        few = image.quantize(256, method=Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE)
        few.save(written, "PNG", optimize=True, dpi=image.info.get("dpi"))
    return base64.b64encode(written.getvalue()).decode()


if __name__ == "__main__":
    sys.exit(main())
