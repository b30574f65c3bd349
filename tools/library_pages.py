"""What the book's pages about `course_lib` need of Sphinx, beyond autodoc and numpydoc.

Two modules of `course_lib.frameworks` import PyTorch and Keras, which need not be there where the book is built, and
take seconds to load where they are. So they are imported here once, over stand-ins that have just the names used at
import time.
"""

from __future__ import annotations

import importlib
import re
import sys
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from docutils.nodes import inline
from sphinx.addnodes import pending_xref

import course_lib

if TYPE_CHECKING:
    from docutils.nodes import document
    from sphinx.application import Sphinx
    from sphinx.environment import BuildEnvironment

PAGES = "book/reference/api"


class _Base:
    """Base class of the documented classes, in place of Module, Function and Layer."""


def _module(name: str, **names: Any) -> ModuleType:
    module = ModuleType(name)
    vars(module).update(names)
    return module


def _registered(**_: str) -> Any:
    return lambda cls: cls


def _stand_ins() -> dict[str, ModuleType]:
    autograd = _module("torch.autograd", Function=_Base)
    torch = _module("torch", Tensor=_Base, nn=_module("torch.nn", Module=_Base), autograd=autograd)
    saving = _module("keras.saving", register_keras_serializable=_registered)
    layers = _module("keras.layers", Layer=_Base)
    return {"torch": torch, "keras": _module("keras", saving=saving, layers=layers, ops=_module("keras.ops"))}


def _import_over_stand_ins() -> None:
    real = {name: sys.modules.get(name) for name in ("torch", "keras")}
    sys.modules.update(_stand_ins())
    try:
        for name in real:
            importlib.import_module(f"course_lib.frameworks.{name}")
    finally:
        for name, module in real.items():
            del sys.modules[name]
            if module is not None:
                sys.modules[name] = module


def _skip(app: Sphinx, what: str, name: str, member: Any, skip: bool, options: Any) -> bool | None:
    """Leave out the methods that scikit-learn makes for every estimator; their docstrings are about scikit-learn."""
    return True if getattr(member, "__module__", "").startswith("sklearn.") else None


def _outdated(app: Sphinx, env: BuildEnvironment, added: set[str], changed: set[str], removed: set[str]) -> list[str]:
    """Name the pages that are older than the library: MyST does not tell Sphinx what a page's autodoc has read."""
    newest = max(path.stat().st_mtime for path in Path(course_lib.__file__).parent.rglob("*.py"))
    # Sphinx counts in microseconds.
    return [page for page, read in env.all_docs.items() if page.startswith(PAGES) and read < newest * 1e6]


def _number_sources(app: Sphinx, doctree: document) -> None:
    """Cite a docstring's sources by their numbers: numpydoc gives each a unique name, and takes it back there only."""
    for reference in doctree.findall(pending_xref):
        name = re.fullmatch(r"\[R[0-9a-f]{12}-(\d+)\]", reference.astext())
        if reference["refdomain"] == "citation" and name:
            reference[:] = [inline("", f"[{name[1]}]")]


def setup(app: Sphinx) -> dict[str, bool]:
    """Register with Sphinx."""
    _import_over_stand_ins()
    app.connect("autodoc-skip-member", _skip)
    app.connect("env-get-outdated", _outdated)
    app.connect("doctree-read", _number_sources, priority=900)  # after numpydoc's
    return {"parallel_read_safe": True}
