"""Link the first use of each glossary term in each chapter to its entry.

    python tools/glossary.py            add the links that are missing, write the notebooks
    python tools/glossary.py --check    write nothing; name the uses that want a link

A use is a word of the prose before the chapter's quiz: not of a heading, a formula, code, a table, the box "Before you
start", or another link. A word that also means something in plain English (:data:`EVERYDAY`) counts where the chapter
sets it in bold, which is how chapters define.
"""

from __future__ import annotations

import argparse
import re
import sys
from dataclasses import dataclass
from pathlib import Path

import nbformat
from nbformat import NotebookNode

sys.path.insert(0, str(Path(__file__).resolve().parent))
import notebooks

PAGE = notebooks.ROOT / "book" / "reference" / "glossary.md"
TARGET = "reference/glossary.md#"

#: Words that are terms only where a chapter says so.
EVERYDAY = frozenset(
    {
        "backend",
        "block",
        "cache",
        "candidate",
        "ceiling",
        "cell",
        "chunk",
        "cliff",
        "confidence",
        "cost",
        "device",
        "fused",
        "gain",
        "host",
        "journal",
        "kernel",
        "lazy",
        "margin",
        "operation",
        "page",
        "pass",
        "pinned",
        "proper",
        "rate",
        "reproduced",
        "resolution",
        "ridge",
        "round",
        "separated",
        "signal",
        "stream",
        "temporary",
        "thread",
        "transformer",
    }
)
#: Chapter and term, where the word means something else.
ANOTHER_MEANING = frozenset(
    {
        ("02_stability", "clipping"),  # of numbers, not of gradients
        ("04_calibration", "weight"),  # of classes
        ("07_activations", "orthogonal"),  # two vectors
        ("08_scale", "bias"),  # of a measurement
        ("09_gpu", "pipeline"),  # of copies and kernels
        ("10_frameworks", "threshold"),  # PyTorch's, in softplus
        ("11_papers", "threshold"),  # of a paper's arrows
    }
)

# What is no prose: lines that open a directive or give it an option, headings, tables, formulas, code, roles, links.
_NOT_PROSE = re.compile(
    r"^:::\{admonition\} Before you start[\s\S]*?^:::$|^(?:#|:::|\||:\w+:).*$|^```[\s\S]*?^```"
    r"|\$\$[\s\S]*?\$\$(?:\s*\([\w-]+\))?|\$[^$\n]*\$|\{[\w:]+\}`[^`]*`|`[^`]*`|https?://\S+",
    re.MULTILINE,
)
_LINK = re.compile(r"\[([^\]]*)(\]\([^)]*\))")
_QUIZ = re.compile(r"^## (?:Quiz|Check yourself)", re.MULTILINE)


@dataclass(frozen=True)
class Use:
    """Where a chapter first uses a term: the cell, and the word's place in its source."""

    term: str
    cell: int
    start: int
    end: int
    linked: bool


def terms(page: Path = PAGE) -> list[str]:
    """List the terms of the glossary, as its headings have them."""
    return re.findall(r"^### (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)


def anchor(term: str) -> str:
    """Return the address of a term's entry, as seen from a chapter."""
    return TARGET + re.sub(r"[^\w\- ]", "", term.lower()).replace(" ", "-")


def first_uses(nb: NotebookNode, chapter: str, known: list[str]) -> list[Use]:
    """Find the first use of each term in a chapter, linked or not."""
    cells = []
    for number, cell in enumerate(nb.cells):
        if cell.cell_type == "markdown":
            if _QUIZ.search(cell.source):
                break
            cells.append((number, _prose(cell.source)))
    found = (_first(nb, cells, term, known) for term in known if (chapter, term) not in ANOTHER_MEANING)
    return [use for use in found if use]


def link(nb: NotebookNode, uses: list[Use]) -> None:
    """Turn the uses that are no links into links, in place."""
    for use in sorted(uses, key=lambda use: -use.start):
        if not use.linked:
            source = nb.cells[use.cell].source
            word = source[use.start : use.end]
            nb.cells[use.cell].source = f"{source[: use.start]}[{word}]({anchor(use.term)}){source[use.end :]}"


def _blank(match: re.Match[str]) -> str:
    return re.sub(r"[^\n]", "\0", match.group())


def _prose(source: str) -> str:
    """Return the source with all that is no prose blanked; of a link to the glossary its word is left."""

    def of_link(match: re.Match[str]) -> str:
        word, address = match.groups()
        return f"\0{word}{len(address) * chr(0)}" if address.startswith(f"]({TARGET}") else _blank(match)

    return _LINK.sub(of_link, _NOT_PROSE.sub(_blank, source))


def _pattern(term: str) -> str:
    """Match a term and its plural."""
    stem, plural = (term[:-1], "(?:y|ies)") if term.endswith("y") else (term, "(?:e?s)?")
    return rf"(?i)(?<![\w-]){re.escape(stem)}{plural}(?![\w-])"


def _first(nb: NotebookNode, cells: list[tuple[int, str]], term: str, known: list[str]) -> Use | None:
    longer = [other for other in known if other != term and re.search(rf"\b{re.escape(term)}\b", other)]
    for number, prose in cells:
        for other in longer:
            prose = re.sub(_pattern(other), _blank, prose)
        for match in re.finditer(_pattern(term), prose):
            start, end = match.span()
            linked = nb.cells[number].source.startswith(f"]({anchor(term)})", end)
            bold = prose.count("**", 0, start) % 2
            if linked or bold or term not in EVERYDAY:
                return Use(term, number, start, end, linked)
    return None


def main() -> int:
    """Run the command line; return the exit status."""
    parser = argparse.ArgumentParser(prog="tools/glossary.py", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 if a link is missing")
    check = parser.parse_args().check
    known = terms()
    missing = 0
    for path in notebooks.chapters():
        nb = nbformat.read(path, as_version=4)
        uses = [use for use in first_uses(nb, path.stem, known) if not use.linked]
        missing += len(uses)
        if check:
            for use in uses:
                source = nb.cells[use.cell].source
                line = source[max(0, use.start - 40) : use.end + 30].replace("\n", " ")
                print(f"{path.name}: {use.term}: …{line}…")
        elif uses:
            link(nb, uses)
            notebooks.write(path, nb)
    print(f"{missing} first uses {'want a link' if check else 'linked'}")
    return 1 if check and missing else 0


if __name__ == "__main__":
    sys.exit(main())
