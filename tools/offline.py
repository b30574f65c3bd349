"""Lists what the book is made of, for browsers that keep a copy of it.

The list is `offline.json` beside the first page: the files that the first page leads to, each with a hash, so that a
copy is brought up to date with the files that have changed. The scripts are `book/_static/offline.js`, which keeps the
copy, and `offline-worker.js`, which answers from it and has to lie beside the first page to answer for all of them.
"""

from __future__ import annotations

import hashlib
import json
import posixpath
import re
import shutil
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote

if TYPE_CHECKING:
    from sphinx.application import Sphinx

LIST, WORKER = "offline.json", "offline-worker.js"
FIRST_PAGE = "index.html"
# How a file of each kind names those it leads to: pages, rules of style, and modules, which name the files beside them.
_NAMED = {
    ".html": re.compile(r'\b(?:(?:href|src)="|url=)([^"#?]+)'),
    ".css": re.compile(r"""url\(["']?([^"')?#]+)"""),
    ".js": re.compile(r'"(?:\./)?(\w[\w-]*\.(?:js|json))"'),
}


def files(site: Path) -> dict[str, str]:
    """Return what the first page of a built book leads to: paths from its folder, each with a hash of its content.

    A JupyterLite site in it is not part of the book: its pages keep what they need by themselves.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     _ = Path(folder, "index.html").write_text('<a href="two.html?q=1#part">', encoding="utf-8")
    ...     _ = Path(folder, "two.html").write_text("", encoding="utf-8")
    ...     _ = Path(folder, "left-over.html").write_text("", encoding="utf-8")
    ...     sorted(files(Path(folder)))
    ['index.html', 'two.html']
    """
    found: dict[str, str] = {}
    todo = [FIRST_PAGE]
    while todo:
        name = todo.pop()
        if name in found or name.startswith(("../", "/", "lite/")) or not (site / name).is_file():
            continue
        content = (site / name).read_bytes()
        found[name] = hashlib.sha256(content).hexdigest()[:16]
        if named := _NAMED.get(posixpath.splitext(name)[1]):
            folder = posixpath.dirname(name)
            others = named.findall(content.decode("utf-8"))
            todo += {posixpath.normpath(posixpath.join(folder, unquote(other))) for other in others}
    return dict(sorted(found.items()))


def write(site: Path) -> None:
    """Write the list of a built book's files, and put the worker beside its first page."""
    shutil.copy(site / "_static" / WORKER, site / WORKER)
    listed = files(site)
    content = {
        "version": hashlib.sha256(json.dumps(listed).encode()).hexdigest()[:16],
        "bytes": sum((site / name).stat().st_size for name in listed),
        "files": listed,
    }
    (site / LIST).write_text(json.dumps(content), encoding="utf-8")


def _write(app: Sphinx, exception: Exception | None) -> None:
    if exception is None and app.builder.format == "html":
        write(Path(app.outdir))


def setup(app: Sphinx) -> dict[str, bool]:
    """Register with Sphinx."""
    app.connect("build-finished", _write, priority=950)  # after light_pages, which changes pages then
    return {"parallel_read_safe": True}
