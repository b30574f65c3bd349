"""Front and back matter: what it says of the chapters, the exercises, the library and the commands is so."""

import doctest
import importlib
import json
import math
import re
import shlex
import tomllib
from datetime import date
from importlib.metadata import metadata
from itertools import pairwise
from pathlib import Path

import nbformat
import numpy as np
import pytest
import scipy.special
import yaml

from course_lib import activations
from grading.cli import _parser

from .conftest import TOC, load_tool

ROOT = Path(__file__).resolve().parents[2]
BOOK = ROOT / "book"
CHAPTERS = {int(path.stem[:2]): path for path in sorted(BOOK.glob("[0-9][0-9]_*.ipynb"))}
SETS = {
    path.parent.name: tomllib.loads(path.read_text(encoding="utf-8"))
    for path in sorted((ROOT / "solutions").glob("*/assignment.toml"))
}
MISCONCEPTIONS = tomllib.loads((ROOT / "course_lib" / "misconceptions.toml").read_text(encoding="utf-8"))


glossary = load_tool("glossary")


def text(page):
    return (ROOT / page).read_text(encoding="utf-8")


def cells(chapter, kind):
    return [c for c in nbformat.read(CHAPTERS[chapter], as_version=4).cells if c.cell_type == kind]


def table(page, title):
    """The rows of the first table after a heading, as lists of stripped cells, without its head."""
    after = text(page).split(f"{title}\n", 1)[1]
    rows = re.findall(r"^\|(.*)\|$", after.split("\n\n#", 1)[0], re.MULTILINE)
    return [[cell.strip() for cell in row.split("|")] for row in rows[2:]]


# --- The front page --------------------------------------------------------------------------------------------------


def test_the_front_page_leads_a_reader_a_learner_and_an_instructor_on(pages):
    cards = pages["book/intro.html"].select(".sd-row .sd-card")
    doors = {card.find(class_="sd-card-title").get_text(strip=True): card.find_all("a") for card in cards}
    first = {name: links[0]["href"] for name, links in doors.items()}
    assert first == {
        "Read": "01_curve.html",
        "Learn": "start/using.html#to-learn",
        "Teach": "start/using.html#to-teach",
    }


# --- The map ----------------------------------------------------------------------------------------------------------


def _rows_of_the_map():
    *rows, total = table("book/start/map.md", "## By the clock")
    return {int(re.match(r"\[(\d+)\. ", row[0])[1]): row for row in rows}, total


def _numbers(cell):
    return [int(number) for number in re.findall(r"\d+", cell)]


def test_the_map_has_every_chapter_with_its_title_and_its_minutes():
    rows, total = _rows_of_the_map()
    assert list(rows) == list(CHAPTERS)
    for number, row in rows.items():
        first = cells(number, "markdown")[0].source
        title = re.match(r"# (.+)", first)[1]
        assert row[0] == f"[{number}. {title}](../{CHAPTERS[number].name})"
        said = "\n".join(c.source for c in cells(number, "markdown")[:3])
        assert row[2] == re.search(r"\*\*Time\.\*\* About (\d+) minutes", said)[1], CHAPTERS[number].name
    assert int(total[2]) == sum(int(row[2]) for row in rows.values())


def test_the_map_has_every_problem_set_beside_its_chapter_with_its_minutes():
    rows, total = _rows_of_the_map()
    for name, about in SETS.items():
        mine = [number for number, row in rows.items() if row[3] == f"`{name}`"]
        assert about["chapter"] in mine, name
        *shared, last = mine
        assert rows[last][4] == str(about["minutes"]), name
        assert all(rows[number][4] == f"with chapter {last}" for number in shared)
        for number in mine:
            assert name in "\n".join(c.source for c in cells(number, "markdown")), (number, name)
    assert total[3:] == [f"{len(SETS)} problem sets", str(sum(about["minutes"] for about in SETS.values()))]
    assert f"{total[2]} minutes of reading and {total[4]} of problems" in text("book/start/map.md")


def test_the_arrows_of_the_map_are_the_rows_of_its_table_and_what_the_chapters_ask_for(pages):
    rows, _ = _rows_of_the_map()
    svg = pages["book/start/map.html"].find("figure", class_="course-map").find("svg")
    arrows = {(int(edge["data-from"]), int(edge["data-to"])) for edge in svg.find_all("path", class_="edge")}
    assert arrows == {(need, number) for number, row in rows.items() for need in _numbers(row[1])}
    for number, row in rows.items():
        start = "\n".join(c.source for c in cells(number, "markdown")[:3])
        asked = re.search(r"\*\*What you'll need\.\*\* (.+)", start)[1]
        assert set(_numbers(row[1])) <= set(_numbers(asked)), CHAPTERS[number].name


def test_the_boxes_of_the_map_say_what_its_table_says(pages):
    rows, _ = _rows_of_the_map()
    svg = pages["book/start/map.html"].find("figure", class_="course-map").find("svg")
    boxes = {}
    for box in svg.find_all("a"):
        *words, minutes = [line.get_text(strip=True) for line in box.find_all("text")]
        number, title = " ".join(words).split(" ", 1)
        boxes[int(number)] = (title, _numbers(minutes), box["href"])
    for number, row in rows.items():
        wanted = [int(row[2])] + ([int(row[4])] if row[4].isdigit() else [])
        title = re.search(r"\d+\. (.+)\]", row[0])[1]
        assert boxes[number] == (title, wanted, f"../{CHAPTERS[number].stem}.html")
    assert len(boxes) == len(rows)
    described = svg.find(id=svg["aria-labelledby"].split()[1]).get_text()
    assert {int(n) for n in re.findall(r"\d+", described)} == set(rows)


# --- The self-test ----------------------------------------------------------------------------------------------------

SELF_TEST = text("book/start/prerequisites.md")
QUESTIONS = re.split(r"^\*\*(?=\d+\. )", SELF_TEST.split("## What your answers say")[0], flags=re.MULTILINE)[1:]


def test_the_self_test_has_ten_questions_with_one_right_choice_and_a_reason_for_each():
    assert [int(question.split(".")[0]) for question in QUESTIONS] == list(range(1, 11))
    for question in QUESTIONS:
        choices = re.findall(r"^:::\{dropdown\} (.+)\n([\s\S]*?)^:::$", question, re.MULTILINE)
        verdicts = [re.match(r"(Yes|No)\. ", said)[1] for _, said in choices]
        assert sorted(verdicts) == ["No", "No", "Yes"], question[:60]
        assert all(len(said.split()) >= 8 for _, said in choices), question[:60]


def test_what_the_self_test_computes_comes_out_as_it_says():
    sessions = re.findall(r"```python\n(>>>[\s\S]*?)```", SELF_TEST)
    assert len(sessions) == 10
    parser, runner = doctest.DocTestParser(), doctest.DocTestRunner(verbose=False)
    shared = {}
    for number, session in enumerate(sessions):
        test = parser.get_doctest(session, shared, f"session {number + 1}", "prerequisites.md", 0)
        runner.run(test, clear_globs=False)
        shared.update(test.globs)
    assert runner.summarize(verbose=False).failed == 0


# --- Misconceptions ---------------------------------------------------------------------------------------------------

FOLKLORE, SLIPS = text("book/reference/misconceptions.md").split("## Mistakes that the checks recognise\n")
NUMBER = re.compile(r"(?<![\w.])\d+(?:\.\d+)?(?:e[+-]?\d+)?(%?)(?![\w])")


def _claims():
    """Every saying on the page: its words, the verdict, and the chapters where it is measured."""
    found = re.findall(r"^### “(.+)”\n\n(.+)\n\nMeasured in (.+)\.$", FOLKLORE, re.MULTILINE)
    assert len(found) == FOLKLORE.count("\n### ")
    return [
        (claim, verdict, [int(n) for n in re.findall(r"\[chapter (\d+), ", where)]) for claim, verdict, where in found
    ]


def test_every_piece_of_folklore_in_a_chapter_is_on_the_page_with_a_link_to_that_chapter():
    on_page = {claim.replace("`", "").rstrip("."): chapters for claim, _, chapters in _claims()}
    for number in CHAPTERS:
        for cell in cells(number, "markdown"):
            for claim in re.findall(r"Folklore: “(.+?)”", cell.source):
                assert number in on_page.get(claim.replace("`", "").rstrip("."), []), (number, claim)


def test_every_number_in_a_verdict_was_printed_in_a_chapter_that_it_links_to():
    unknown = []
    for claim, verdict, chapters in _claims():
        outputs = [
            out.get("text") or out.get("data", {}).get("text/plain", "")
            for number in chapters
            for cell in cells(number, "code")
            for out in [*cell.outputs, {"text": cell.source}]
        ]
        printed = {float(m.group().rstrip("%")) for output in outputs for m in NUMBER.finditer(output)}
        printed |= {100 * value for value in printed}
        # In the chapters' prose, whose numbers tests/book/test_book.py holds to outputs, some are rounded.
        words = "\n".join(cell.source for number in chapters for cell in cells(number, "markdown"))
        printed |= {float(m.group().rstrip("%")) for m in NUMBER.finditer(words)}
        plain = re.sub(r"\$[^$]*\$|`[^`]*`|float\d+", " ", verdict)
        for match in NUMBER.finditer(plain):
            if not any(math.isclose(float(match.group().rstrip("%")), value, rel_tol=1e-9) for value in printed):
                unknown.append((claim, match.group()))
    assert unknown == []


def test_every_misconception_that_a_chapter_treats_is_named_at_its_section():
    rows = re.findall(r"^\| \[(.+)\]\(\.\./(\d\d)_\w+\.ipynb#.+?\) \| (.+) \|$", SLIPS, re.MULTILINE)
    listed = {
        (f'chapter {int(number)}, "{title}"', name)
        for title, number, names in rows
        for name in names.strip("`").split("`, `")
    }
    treated = {(about["read"], name) for name, about in MISCONCEPTIONS.items() if "read" in about}
    assert listed == treated
    for chapter, title in {re.match(r'chapter (\d+), "(.+)"', read).groups() for read, _ in treated}:
        headings = [
            line for c in cells(int(chapter), "markdown") for line in re.findall(r"^#+ (.+)$", c.source, re.MULTILINE)
        ]
        assert title in headings, (chapter, title)


# --- Glossary and notation --------------------------------------------------------------------------------------------

TERMS = glossary.terms()


def test_the_glossary_is_in_order_and_each_entry_stands_under_its_letter():
    assert sorted(TERMS, key=str.lower) == TERMS
    letter = None
    for level, heading in re.findall(r"^(##+) (.+)$", text("book/reference/glossary.md"), re.MULTILINE):
        if level == "##":
            letter = heading
        else:
            assert heading[0].upper() == letter, heading


@pytest.mark.parametrize("path", CHAPTERS.values(), ids=lambda path: path.stem)
def test_the_first_use_of_every_term_in_a_chapter_is_linked(path):
    uses = glossary.first_uses(nbformat.read(path, as_version=4), path.stem, TERMS)
    assert [use.term for use in uses if not use.linked] == [], "run: python tools/glossary.py"


def test_every_term_of_the_glossary_is_used_in_a_chapter():
    used = set()
    for path in CHAPTERS.values():
        used |= {use.term for use in glossary.first_uses(nbformat.read(path, as_version=4), path.stem, TERMS)}
    # Chapter 1 says "logistic"; chapter 5's cell is never in bold, and "cell" alone may be a notebook's.
    assert set(TERMS) - used <= {"cell", "logistic function"}


def test_what_a_chapter_sets_in_bold_within_a_sentence_is_in_the_glossary():
    entries = {term.lower() for term in TERMS}
    allowed = re.compile(
        r"predict|ps\d_\w+|same direction, other size|not reproduced|clipping by norm|right", re.IGNORECASE
    )
    missing = []
    for path in CHAPTERS.values():
        for cell in nbformat.read(path, as_version=4).cells:
            if cell.cell_type != "markdown" or re.search(r"^## (Quiz|Check yourself)", cell.source, re.MULTILINE):
                continue
            plain = re.sub(r"`[^`\n]*`|\$[^$\n]*\$", " ", cell.source)
            for bold in re.findall(r"\*\*([^*\n]+)\*\*", plain):
                word = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", bold).lower().removeprefix("the ")
                if re.search(r"[.:?]$|^\d+\.|^worked in full", word) or allowed.fullmatch(word):
                    continue
                if not {word, word.removesuffix("s"), word.removesuffix("es")} & entries:
                    missing.append((path.stem, bold))
    assert missing == []


def test_a_use_is_found_in_prose_and_nowhere_else():
    source = (
        "# Odds\n\n$odds$ `odds` [odds](elsewhere.md), {doc}`odds`.\n\n| odds |\n\nIts log-odds, the **Odds** and odds."
    )
    nb = nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell(source)])
    (use,) = glossary.first_uses(nb, "chapter", ["odds"])
    assert (use.start, use.linked) == (source.index("Odds** and"), False)
    glossary.link(nb, [use])
    assert "**[Odds](reference/glossary.md#odds)** and odds." in nb.cells[0].source
    (again,) = glossary.first_uses(nb, "chapter", ["odds"])
    assert again.linked


def test_a_longer_term_hides_a_shorter_one_and_plain_words_count_in_bold_only():
    words = "A round number. Temperature scaling needs a rate, and a **round** of temperatures."
    nb = nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell(words)])
    uses = glossary.first_uses(nb, "chapter", ["rate", "round", "temperature", "temperature scaling"])
    found = {use.term: words[use.start : use.end] for use in uses}
    assert found == {"round": "round", "temperature": "temperatures", "temperature scaling": "Temperature scaling"}
    assert next(use for use in uses if use.term == "round").start == words.index("round** of")


# --- The cheat sheet --------------------------------------------------------------------------------------------------

CHEAT_SHEET = "book/reference/cheat_sheet.md"


def _last_float_below(holds, low, high, dtype):
    """The first float of a dtype at which a property that comes and stays holds."""
    low, high = dtype(low), dtype(high)
    while np.nextafter(low, high, dtype=dtype) < high:
        middle = dtype(low / 2 + high / 2)
        low, high = (low, middle) if holds(middle) else (middle, high)
    return float(high)


def test_the_float_limits_on_the_cheat_sheet_are_those_of_the_formats():
    rows = {row[0]: row[1:] for row in table(CHEAT_SHEET, "## Where floats end")}
    with np.errstate(over="ignore"):
        for column, dtype in enumerate((np.float16, np.float32, np.float64)):
            info = np.finfo(dtype)
            got = {name: cells[column] for name, cells in rows.items()}
            assert got.pop("binary digits") == str(info.nmant + 1)
            assert got.pop("gap above 1") == f"{info.eps:.1e}"
            assert got.pop("least above 0") == f"{info.smallest_subnormal:.1e}"
            assert got.pop("largest") == f"{info.max:.1e}"
            # float16 is exact enough in float32, and the others know their own exponential.
            assert got.pop("exp is `inf` from") == f"{math.log(float(info.max)):.2f}"
            naive = _last_float_below(lambda x, d=dtype: d(1) + np.exp(-x) == 1, 1, 60, dtype)
            assert float(got.pop("`1 + exp(-x)` is 1 from")) == pytest.approx(naive, abs=2e-3)
            half_gap = float(info.epsneg) / 2
            assert got.pop("σ rounds to 1 from") == f"{math.log((1 - half_gap) / half_gap):.3f}"
            assert got == {}


def test_the_stable_forms_on_the_cheat_sheet_are_accurate():
    x = np.concatenate([np.linspace(-700, 700, 1401), [-1e-9, 0, 1e-9]])
    p = activations.sigmoid(np.linspace(-6, 6, 101))
    names = {name: getattr(np, name) for name in ("where", "exp", "log", "log1p", "minimum", "maximum", "arctanh")}
    names |= {"x": x, "e": np.exp(-np.abs(x)), "sigmoid": activations.sigmoid, "softplus": activations.softplus}
    wanted = {
        "$\\sigma(x)$": scipy.special.expit(x),
        "$1 - \\sigma(x)$": scipy.special.expit(-x),
        "$\\sigma'(x)$": activations.sigmoid_derivative(x),
        "$\\log \\sigma(x)$": scipy.special.log_expit(x),
        "softplus": np.logaddexp(0, x),
        "logit, ¼ to ¾": scipy.special.logit(p[(p >= 0.25) & (p <= 0.75)]),
        "logit, elsewhere": scipy.special.logit(p[(p < 0.25) | (p > 0.75)]),
    }
    rows = dict(table(CHEAT_SHEET, "## Stable forms"))
    for name, exact in wanted.items():
        inputs = {"p": p[(p >= 0.25) & (p <= 0.75)] if "¼" in name else p[(p < 0.25) | (p > 0.75)]}
        got = eval(rows.pop(name).strip("`"), {**names, **inputs})
        np.testing.assert_allclose(got, exact, rtol=1e-13, atol=1e-300, err_msg=name)
    for y in (0, 1):
        loss = eval(rows["cross-entropy"].strip("`"), {**names, "y": y, "z": x})
        np.testing.assert_allclose(loss, -scipy.special.log_expit(x if y else -x), rtol=1e-13)


def test_the_steps_of_a_forget_gate_on_the_cheat_sheet():
    said = re.search(r"steps: ([\d.]+) at \$b = 0\$, ([\d.]+) at 1, ([\d.]+) at 3", text(CHEAT_SHEET)).groups()
    assert said == tuple(f"{math.log(0.5) / math.log(scipy.special.expit(b)):.1f}" for b in (0, 1, 3))


def test_every_name_on_the_cheat_sheet_is_in_the_library():
    listed = 0
    for modules, names in table(CHEAT_SHEET, "## course_lib"):
        found = [importlib.import_module(f"course_lib.{name}") for name in re.findall(r"`(\w+)`", modules)]
        for name in re.findall(r"`(\w+)`", names):
            if name == "_derivative":
                assert all(hasattr(found[0], f"{other}_derivative") for other in re.findall(r"`([a-z]\w+)`", names))
            else:
                assert any(name in module.__all__ for module in found), name
                listed += 1
    assert listed > 30


# --- The library's pages ----------------------------------------------------------------------------------------------


def test_every_public_name_of_the_library_has_a_place_on_its_page(pages):
    modules = [p.stem for p in (ROOT / "course_lib").glob("*.py") if not p.stem.startswith("_")]
    assert {f"book/reference/api/{name}.html" for name in [*modules, "frameworks"]} <= set(pages)
    for name in modules:
        module = importlib.import_module(f"course_lib.{name}")
        page = pages[f"book/reference/api/{name}.html"]
        public = getattr(module, "__all__", ["Checks", "SLIPS"])
        undocumented = {"INK", "MUTED", "PALETTE"}
        missing = [n for n in public if n not in undocumented and page.find(id=f"course_lib.{name}.{n}") is None]
        assert missing == [], name
    frameworks = pages["book/reference/api/frameworks.html"]
    for name in ("sklearn.SigmoidTransformer", "torch.AdaptiveSigmoid", "torch.sigmoid", "keras.TemperatureSigmoid"):
        assert frameworks.find(id=f"course_lib.frameworks.{name}") is not None


def test_docstrings_are_rendered_with_parameters_and_examples(pages):
    page = pages["book/reference/api/activations.html"]
    entry = page.find(id="course_lib.activations.sigmoid").find_parent("dl")
    assert [dt.get_text(strip=True) for dt in entry.find_all("dt", class_=re.compile("field-"))][:2] == [
        "Parameters:",
        "Returns:",
    ]
    assert entry.find("div", class_="highlight") is not None
    assert entry.find("p", class_="rubric", string="Examples") is not None


def test_no_formula_of_a_docstring_is_left_without_its_environment(pages):
    bare = [
        (name, formula.get_text()[:60])
        for name, soup in pages.items()
        if name.startswith("book/reference/api")
        for formula in soup.find_all(["div", "span"], class_="math")
        if "&" in formula.get_text() and r"\begin" not in formula.get_text()
    ]
    assert bare == []


# --- Commands, changelog, citation, licences --------------------------------------------------------------------------


@pytest.mark.parametrize("page", ["CONTRIBUTING.md", "book/start/using.md", "CHANGELOG.md"])
def test_the_commands_and_files_that_a_page_names_exist(page):
    said = text(page)
    code = "\n".join(re.findall(r"```sh\n([\s\S]*?)```", said) + re.findall(r"`([^`\n]+)`", said))
    targets = set(re.findall(r"^([a-z][a-z-]*):", text("Makefile"), re.MULTILINE))
    assert set(re.findall(r"\bmake ([a-z-]+)", code)) <= targets
    for command in re.findall(r"python -m grading ([^#\n]+)", code):
        assert callable(_parser().parse_args(shlex.split(command)).run)
    named = re.findall(r"`((?:book|course_lib|exercises|solutions|tests|tools)/[^`\s]*|[A-Z]\w+\.\w+|_\w+\.yml)`", said)
    assert [path for path in named if not (ROOT / path).exists()] == []


def test_the_wrong_answer_of_the_contributors_guide_has_the_form_of_those_in_the_corpus():
    (example,) = re.findall(r'```python\n("""[\s\S]*?)```', text("CONTRIBUTING.md"))
    form = re.compile(r'^"""\S.*\n\nanswers: \w+\nfails: \w+\nhint: [\w-]+\n"""\n+def \w+\(')
    assert form.match(example)
    assert re.search(r"hint: (\S+)", example)[1] in MISCONCEPTIONS


def test_the_changelog_keeps_to_its_form():
    sections = re.split(r"^## ", text("CHANGELOG.md"), flags=re.MULTILINE)[1:]
    assert sections[0].startswith("[Unreleased]\n")
    for section in sections:
        assert re.match(r"\[(Unreleased|\d+\.\d+\.\d+\] - \d{4}-\d\d-\d\d|Unreleased\])", section)
        kinds = re.split(r"^### ", section, flags=re.MULTILINE)[1:]
        names = [kind.split("\n", 1)[0] for kind in kinds]
        assert names == [n for n in ("Added", "Changed", "Deprecated", "Removed", "Fixed", "Security") if n in names]
        for kind in kinds:
            lines = re.findall(r"^- (.+)$", kind, re.MULTILINE)
            days = [date.fromisoformat(line[:10]) for line in lines]
            assert lines
            assert all(later >= earlier for later, earlier in pairwise(days)), "newest first"


def test_the_citation_file_has_what_its_schema_requires_and_agrees_with_the_project_and_the_page():
    cff = yaml.safe_load(text("CITATION.cff"))
    project = tomllib.loads(text("pyproject.toml"))["project"]
    # https://github.com/citation-file-format/citation-file-format, schema 1.2.0: required, and of a fixed form
    assert {"cff-version", "message", "title", "authors"} <= set(cff)
    assert cff["cff-version"] == "1.2.0"
    assert cff["type"] in {"software", "dataset"}
    assert cff["authors"] == [{"name": "The Sigmoid Course authors"}]
    assert cff["title"] == project["description"]
    assert cff["version"] == project["version"]
    assert " AND ".join(cff["license"]) == project["license"]
    assert all(isinstance(word, str) for word in cff["keywords"])
    known = {"abstract", "keywords", "license", "version", "type", "cff-version", "message", "title", "authors"}
    assert set(cff) <= known
    page = text("book/about/citing.md")
    fields = dict(re.findall(r"^  (\w+) += \{+([^{}]+)\}", page, re.MULTILINE))
    assert fields["author"] == cff["authors"][0]["name"]
    assert (fields["title"], fields["version"]) == (cff["title"], cff["version"])


def test_the_colophon_names_the_versions_and_licences_of_what_is_shipped(site):
    rows = table("book/about/colophon.md", "## Licences")
    licences = {part: row[2] for row in rows for part in re.split(r", (?:on |with )?", row[1])}
    assert f'content:"{re.search(r"KaTeX ([0-9.]+)", str(rows))[1]}"' in text("book/_static/katex/katex.min.css")
    scripts = site / "_static" / "scripts"
    for name, file in (("Bootstrap", "bootstrap"), ("Font Awesome Free", "fontawesome")):
        version = re.search(rf"{name} ([0-9.]+[0-9])", str(rows))[1]
        assert version in (scripts / f"{file}.js.LICENSE.txt").read_text(encoding="utf-8")
    packages = [
        "sphinx-book-theme",
        "pydata-sphinx-theme",
        "myst-nb",
        "sphinx-design",
        "sphinx-togglebutton",
        "sphinx-copybutton",
    ]
    for package in packages:
        about = metadata(package)
        said = " ".join([about.get("License-Expression") or "", *about.get_all("Classifier", [])])
        assert licences[package].split("-")[0] in said, package


def test_the_contents_list_every_chapter_in_order_and_number_nothing_else():
    parts = {part["caption"]: part for part in TOC["parts"]}
    chapters = [entry["file"] for entry in parts["Chapters"]["chapters"]]
    assert chapters == [f"book/{path.stem}" for path in CHAPTERS.values()]
    assert [caption for caption, part in parts.items() if part.get("numbered")] == ["Chapters"]
    assert json.dumps(TOC).count('"file"') == len(set(re.findall(r'"file": "(.+?)"', json.dumps(TOC))))
