"""Every page of the built book: links lead somewhere, headings are in order, ids unique, words spelled right."""

import ast
import hashlib
import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from itertools import pairwise
from pathlib import Path
from urllib.parse import unquote, urlsplit

import nbformat
import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def read(pages):
    """The pages that are read: all but the one at the root, which only leads to the introduction."""
    return {name: soup for name, soup in pages.items() if name != "index.html"}


def test_every_link_inside_the_book_leads_to_a_file_and_a_place_in_it(site, pages):
    places = {(site / name).resolve(): {tag["id"] for tag in soup.find_all(id=True)} for name, soup in pages.items()}
    followed, dead = 0, []
    for name, soup in pages.items():
        for link in soup.select("a[href], area[href]"):
            to = urlsplit(link["href"])
            if to.scheme:
                continue
            followed += 1
            target = ((site / name).parent / unquote(to.path)).resolve() if to.path else (site / name).resolve()
            place = unquote(to.fragment)
            if not target.is_file() or (place and target in places and place not in places[target]):
                dead.append((name, link["href"]))
    assert dead == []
    assert followed > 1000


def test_sources_of_the_library_are_cited_by_number_and_no_initial_counts_a_list(read):
    """For numpydoc a source's name is unique in the book, for docutils "G. W. Brier" is the seventh item of a list."""
    library = {name: soup.article for name, soup in read.items() if name.startswith("book/reference/api/")}
    cited = [link.get_text() for article in library.values() for link in article.select("a[href^='#r'] > span")]
    numbers = [label.get_text() for article in library.values() for label in article.select(".citation > .label")]
    assert len(numbers) >= 5
    assert set(cited) == set(numbers)
    assert [(name, tag.get_text()) for name, tag in library.items() for tag in tag.select("ol[class*='alpha']")] == []


def test_every_page_loads_one_stylesheet_and_one_script(site, pages):
    for name, page in pages.items():
        if name == "index.html":
            continue  # only leads to the introduction
        up = "../" * name.count("/")
        styles = [tag["href"] for tag in page.select('link[rel="stylesheet"]')]
        scripts = [tag["src"] for tag in page.select("script[src]:not([type=module])")]
        ours = [address.partition("?v=") for address in (styles[0], scripts[0])]
        assert [address for address, _, _ in ours] == [f"{up}_static/book.css", f"{up}_static/book.js"]
        for address, _, version in ours:
            content = (site / name).parent.joinpath(address).read_bytes()
            assert hashlib.sha256(content).hexdigest().startswith(version)
        assert [address.partition("?")[0] for address in styles[1:]] == (
            [f"{up}_static/explore/explore.css"] if page.select("figure.explorable") else []
        )
        assert scripts[1:] == (
            ["_static/searchtools.js", "_static/language_data.js", "searchindex.js"] if name == "search.html" else []
        )


def test_what_the_joined_stylesheet_names_is_there(site):
    static = site / "_static"
    addresses = re.findall(r"url\((?![\"']?data:)([^)]+)\)", (static / "book.css").read_text())
    assert len(addresses) > 10
    assert [address for address in addresses if not (static / address).is_file()] == []


def test_no_id_is_used_twice_on_a_page(pages):
    twice = {
        name: [found for found, times in Counter(tag["id"] for tag in soup.select("[id]")).items() if times > 1]
        for name, soup in pages.items()
    }
    assert {name: found for name, found in twice.items() if found} == {}


def test_every_page_has_one_title_and_no_heading_skips_a_level(read):
    wrong = {}
    for name, soup in read.items():
        levels = [int(heading.name[1]) for heading in (soup.article or soup.main).find_all(re.compile("^h[1-6]$"))]
        if levels.count(1) != 1 or levels[0] != 1 or any(after > before + 1 for before, after in pairwise(levels)):
            wrong[name] = levels
    assert wrong == {}


def test_every_page_says_its_language_and_lets_the_keyboard_skip_to_its_text(read):
    assert {name for name, soup in read.items() if soup.html.get("lang") != "en"} == set()
    without = [n for n, soup in read.items() if not soup.find(id=soup.select_one("#pst-skip-link a")["href"][1:])]
    assert without == []


def test_the_build_fails_where_a_picture_has_no_alternative_text(tmp_path):
    (tmp_path / "conf.py").write_text('extensions = ["accessible_pages"]\n', encoding="utf-8")
    shutil.copy(ROOT / "book/_static/page.png", tmp_path / "curve.png")
    command = [sys.executable, "-m", "sphinx", "-W", "--keep-going", "-q", "-E", str(tmp_path), str(tmp_path / "out")]
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "tools")}

    def build(alt):
        page = f"Title\n=====\n\n.. image:: curve.png\n{alt}"
        (tmp_path / "index.rst").write_text(page, encoding="utf-8")
        return subprocess.run(command, capture_output=True, text=True, check=False, env=environment)

    good = build("   :alt: A curve that rises\n")
    assert good.returncode == 0, good.stderr
    bad = build("")
    assert bad.returncode == 1
    assert "without alternative text" in bad.stderr


# --- Spelling ---------------------------------------------------------------------------------------------------------


def docstrings(path: Path) -> list[str]:
    """Return the docstrings of a module, its classes and functions."""
    with_docstrings = (ast.Module, ast.ClassDef, ast.FunctionDef)
    tree = ast.walk(ast.parse(path.read_text(encoding="utf-8")))
    return [ast.get_docstring(node) or "" for node in tree if isinstance(node, with_docstrings)]


def words(path: Path) -> str:
    """Return what a person reads in a file: a page, a notebook's text, a module's docstrings."""
    if path.suffix == ".ipynb":
        cells = nbformat.read(path, as_version=4).cells
        return "\n\n".join(cell.source for cell in cells if cell.cell_type == "markdown")
    if path.suffix == ".py":
        return "\n\n".join(docstrings(path))
    return path.read_text(encoding="utf-8")


def misspelled(folder: Path) -> list[str]:
    command = [sys.executable, "-m", "codespell_lib", "--builtin", "clear,rare", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.stderr == ""
    return done.stdout.replace(f"{folder}/", "").splitlines()


def test_words_are_spelled_right(tmp_path):
    sources = list(ROOT.glob("*.md"))
    sources += [path for path in (ROOT / "book").rglob("*") if path.suffix in (".md", ".ipynb")]
    sources += (ROOT / "solutions").rglob("*.ipynb")  # in exercises/ somebody may have answered
    sources += [path for folder in ("course_lib", "grading") for path in (ROOT / folder).rglob("*.py")]
    for source in sources:
        if ".ipynb_checkpoints" in source.parts:
            continue
        copy = tmp_path / f"{source.relative_to(ROOT)}.txt"
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_text(words(source), encoding="utf-8")
    assert len(list(tmp_path.rglob("*.txt"))) > 60
    assert misspelled(tmp_path) == []


def test_a_slip_would_be_found(tmp_path):
    (tmp_path / "page.txt").write_text("The funtion saturates.\n", encoding="utf-8")
    assert misspelled(tmp_path) == ["page.txt:1: funtion ==> function"]
