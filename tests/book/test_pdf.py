"""The printed book: nothing of the site is lost on the way to paper, and all that should lead somewhere does."""

import io
import os
import re
import sys
from collections import Counter
from itertools import pairwise
from pathlib import Path

import pytest
import yaml
from bs4 import BeautifulSoup
from pypdf import PdfReader

from .conftest import TOC, load_tool

ROOT = Path(__file__).resolve().parents[2]
# Printing all pages takes a minute. All are joined and laid out here; of what is printed, there is one of each kind.
PRINTED = {
    "format": "jb-book",
    "root": "book/intro",
    "parts": [
        {"caption": "Chapters", "chapters": [{"file": "book/01_curve"}]},
        {
            "caption": "Reference",
            "chapters": [
                {"file": f"book/{name}"}
                for name in ("reference/cheat_sheet", "reference/glossary", "bibliography", "reference/api/losses")
            ],
        },
    ],
}


LINES = ["p", "pre", "td", "dt"]
ON_SCREEN = ["toctree-wrapper", "not-printed"]


pdf = load_tool("pdf")
if pdf.find_browser() is None and os.environ.get("CI"):
    raise RuntimeError("the book is printed by chromium, and CI has to have it")
needs_browser = pytest.mark.skipif(pdf.find_browser() is None, reason="no chromium on the PATH: nobody prints the book")


def names(toc):
    return [toc["root"], *(chapter["file"] for part in toc["parts"] for chapter in part["chapters"])]


def words(tag):
    return " ".join(tag.get_text().split())


def heading(tag):
    return words(tag).removesuffix("#")


def start(tag):
    """The first word of what a link leads to."""
    return re.split(r"\W", words(tag))[0]


# --- All pages, joined ------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def document(site, tmp_path_factory):
    """All pages as one: path of the joined document."""
    return pdf.join(pdf.read(site), site, tmp_path_factory.mktemp("joined"))


@pytest.fixture(scope="module")
def joined(document):
    return BeautifulSoup(document.read_text(encoding="utf-8"), "html.parser")


@pytest.fixture(scope="module")
def originals(pages):
    """The article of every page of the site, by name."""
    return {name: pages[f"{name}.html"].article for name in names(TOC)}


@pytest.fixture(scope="module")
def articles(originals, joined):
    """By name and in order of the table of contents: the article on the site, and in the joined document."""
    return dict(zip(originals, zip(originals.values(), joined.find_all("article"), strict=True), strict=True))


def test_every_page_comes_in_the_order_of_the_table_of_contents(articles):
    for original, article in articles.values():
        assert heading(original.h1) == heading(article.h1)


def test_every_line_of_the_site_is_in_the_print(articles):
    for name, (original, article) in articles.items():
        lines = [tag for tag in original.find_all(LINES) if not tag.find_parent(class_=ON_SCREEN)]
        expected = Counter(heading(tag) for tag in lines if tag.find_parent("summary") is None)
        expected.update(re.sub(r"^[a-z]\) ", "", words(tag)) for tag in original.select(".sd-summary-text"))
        assert expected - Counter(words(tag) for tag in article.find_all([*LINES, "li", "span"])) == Counter(), name


def test_every_picture_of_the_site_is_in_the_print(articles, document):
    for name, (original, article) in articles.items():
        pictures = [Path(tag["src"]).name for tag in original.find_all("img")]
        assert [tag["src"] for tag in article.find_all("img")] == pictures, name
        assert [tag["alt"] for tag in article.find_all("img")] == [tag["alt"] for tag in original.find_all("img")]
        assert all((document.parent / picture).is_file() for picture in pictures)
        assert len(article.find_all("figcaption")) == len(original.find_all("figcaption"))


def test_every_link_leads_to_one_place_in_the_print_or_to_the_web(joined):
    places = Counter(tag["id"] for tag in joined.find_all(id=True))
    assert [place for place, times in places.items() if times > 1] == []
    for tag in joined.find("body").find_all("a", href=True):
        assert re.match(r"https?://", tag["href"]) or tag["href"].removeprefix("#") in places, tag
    assert sum(tag["href"].startswith("#") for tag in joined.find_all("a", href=True)) > 1000


def test_a_link_leads_to_the_same_words_as_on_the_site(articles):
    """Ids that several pages share were renamed: their links have to know."""
    on_site, on_paper = Counter(), Counter()
    places = {name: {tag["id"]: tag for tag in original.find_all(id=True)} for name, (original, _) in articles.items()}
    paper = {tag["id"]: tag for _, article in articles.values() for tag in [article, *article.find_all(id=True)]}
    for name, (original, article) in articles.items():
        for link in original.select("a[href*='#']:not(.headerlink)"):
            path, _, place = link["href"].partition("#")
            other = os.path.normpath(os.path.join(os.path.dirname(name), path)).removesuffix(".html") if path else name
            if other in articles:
                on_site[words(link), start(places[other][place])] += 1
        for link in article.select("a[href^='#']"):
            on_paper[words(link), start(paper[link["href"][1:]])] += 1
    assert on_site.total() > 800
    assert on_site - on_paper == Counter()


def test_what_only_a_screen_has_is_gone_and_what_is_closed_is_open(joined):
    assert joined.select("nav.bd-toc, button, .toctree-wrapper, .headerlink, input, .bd-sidebar-primary") == []
    assert [tag for tag in joined.find_all("details") if not tag.has_attr("open")] == []
    assert joined.find_all(string=re.compile("^(Show|Hide) (output|code)")) == []


@pytest.mark.parametrize("name", ["book/01_curve", "book/07_activations", "book/start/prerequisites"])
def test_a_quiz_has_its_answers_behind_its_questions(name, articles):
    original, article = articles[name]
    on_site = [tag for tag in original.select("details.sd-dropdown") if "a" not in tag.get("class", [])]
    lists = article.select("ol.choices")
    questions = [tag for tag in lists if not tag.find_parent(class_="answers")]
    answers = [tag for tag in lists if tag.find_parent(class_="answers")]
    assert len(questions) == len(answers) >= 5
    for question, answer in zip(questions, answers, strict=True):
        assert len(question.find_all("li", recursive=False)) == len(answer.find_all("li", recursive=False)) >= 2
    opened = len(article.find_all("details"))
    assert sum(len(tag.find_all("li", recursive=False)) for tag in questions) + opened == len(on_site)


@needs_browser
def test_formulas_are_set_and_nothing_reaches_beyond_the_text(document):
    with pdf.laid_out(document) as page:
        assert page.locator(".katex").count() > 1500
        assert page.locator(".katex-error, article .math:not(:has(.katex))").count() == 0
        outside = """() => [...document.querySelectorAll("article")].flatMap((article) => {
          const right = (article.querySelector("#cheat-sheet") || article).getBoundingClientRect().right;
          return [...article.querySelectorAll("*:not(.katex-mathml *, svg *, .katex svg)")]
            .filter((tag) => tag.getBoundingClientRect().right > right + 1)
            .map((tag) => article.id + ": " + tag.outerHTML.slice(0, 100));
        })"""
        assert page.evaluate(outside) == []


@needs_browser
def test_boxes_have_no_shadow_tables_a_gap_and_names_of_the_cheat_sheet_one_line(document):
    """A shadow would be a picture in the PDF."""
    with pdf.laid_out(document) as page:
        shadows = """() => [...document.querySelectorAll("article *")]
          .filter((tag) => getComputedStyle(tag).boxShadow !== "none").map((tag) => tag.className)"""
        assert page.evaluate(shadows) == []
        gaps = """() => [...document.querySelectorAll(".output:has(table) + .output table")].map((table) =>
          table.getBoundingClientRect().top
            - table.closest(".output").previousElementSibling.getBoundingClientRect().bottom)"""
        found = page.evaluate(gaps)
        assert len(found) >= 1
        assert min(found) > 10
        broken = """() => [...document.querySelectorAll("#cheat-sheet td code .pre")]
          .filter((word) => !word.textContent.includes(" ") && word.getClientRects().length > 1)
          .map((word) => word.textContent)"""
        assert page.evaluate(broken) == []


def test_the_text_of_a_page_is_whole_pixels_high(joined):
    """Else the edge of what begins the next page is drawn at the foot of this one, as a hairline."""
    first = re.search(r"@page \{.*?margin: 20mm 20mm calc\(277mm - (.+?)px\);", joined.style.get_text(), re.DOTALL)
    assert first[1].isdecimal()


# --- Some pages, printed ----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def printed(site, tmp_path_factory):
    folder = tmp_path_factory.mktemp("printed")
    toc = folder / "_toc.yml"
    toc.write_text(yaml.safe_dump(PRINTED), encoding="utf-8")
    parts = pdf.read(site, toc)
    with pdf.laid_out(pdf.join(parts, site, folder)) as page:
        pages = pdf.print_pages(page)
    out = io.BytesIO()
    pdf.bookmarked(pages, parts).write(out)
    return PdfReader(out)


@pytest.fixture(scope="module")
def texts(printed):
    return [page.extract_text() for page in printed.pages]


def bookmarks(reader, outline):
    """The tree of bookmarks: [(title, number of the page, [what is below])]."""
    found = []
    for item in outline:
        if isinstance(item, list):
            found[-1][2].extend(bookmarks(reader, item))
        else:
            found.append((item.title, reader.get_destination_page_number(item), []))
    return found


def flat(tree):
    return [entry for title, number, below in tree for entry in [(title, number), *flat(below)]]


def sections(article):
    return [heading(tag) for tag in article.find_all("h2") if heading(tag) != "Contents"]


@needs_browser
def test_bookmarks_are_parts_over_chapters_over_sections(printed, originals, texts):
    def expected(name):
        return (heading(originals[name].h1), [(title, []) for title in sections(originals[name])])

    def titles(tree):
        return [(title, titles(below)) for title, _, below in tree]

    tree = bookmarks(printed, printed.outline)
    parts = [(p["caption"], [expected(c["file"]) for c in p["chapters"]]) for p in PRINTED["parts"]]
    assert titles(tree) == [expected(PRINTED["root"]), *parts]
    numbers = [number for _, number in flat(tree)]
    assert numbers == sorted(numbers)
    captions = [part["caption"] for part in PRINTED["parts"]]
    assert [(t, n) for t, n in flat(tree) if t not in captions and t not in " ".join(texts[n].split())] == []


@needs_browser
def test_the_contents_name_the_pages_of_the_bookmarks(printed, texts):
    contents = " ".join(texts[1].split())
    assert "Contents" in contents
    for title, number in flat(bookmarks(printed, printed.outline)):
        if title not in ("Chapters", "Reference") and len(title) > 1:
            assert f"{title} {number + 1} " in contents + " "


@needs_browser
def test_chapters_begin_on_pages_of_their_own_with_all_their_words_and_pictures(printed, originals, texts):
    tree = [entry for title, _, below in bookmarks(printed, printed.outline)[1:] for entry in below]
    begins = [number for _, number, _ in tree]
    assert all(a < b for a, b in pairwise(begins))
    for name, first, end in zip(names(PRINTED)[1:], begins, [*begins[1:], len(printed.pages)], strict=True):
        article = originals[name]
        said = "".join("".join(texts[first:end]).split())
        plain = article.select(":is(p, pre):not(:has(.math, .headerlink), .not-printed *, summary *)")
        lines = [line for tag in plain for line in tag.get_text().splitlines()]
        assert [line for line in lines if "".join(line.split()) not in said] == [], name
        drawn = [item for page in printed.pages[first:end] for item in page["/Resources"].get("/XObject", {}).values()]
        pictures = sum(item.get_object()["/Subtype"] == "/Image" for item in drawn)
        assert pictures == len(article.find_all("img")), name


@needs_browser
def test_no_formula_is_left_as_tex_and_no_button_is_printed(texts, originals):
    """But for TeX in code, such as the label of an axis."""
    command = re.compile(r"\\(?:[(\[]|[a-z]{3,})")
    code = " ".join(tag.get_text() for name in names(PRINTED) for tag in originals[name].select("pre, code"))
    assert Counter(command.findall(" ".join(texts))) - Counter(command.findall(code)) == Counter()
    assert not re.search(r"(Show|Hide) (output|code)|Click to|Skip to main|Copy to clipboard", " ".join(texts))


@needs_browser
def test_links_lead_to_pages_of_the_print_or_to_the_web(printed):
    places = printed.named_destinations
    links = [link.get_object() for page in printed.pages for link in page.get("/Annots", [])]
    inside = [link["/Dest"] for link in links if "/Dest" in link]
    outside = [link["/A"]["/URI"] for link in links if "/A" in link]
    assert len(inside) > 100
    assert [place for place in inside if printed.get_destination_page_number(places[place]) is None] == []
    assert len(outside) > 20
    assert [address for address in outside if not re.match(r"https?://", address)] == []


@needs_browser
def test_the_file_says_what_it_is(printed):
    assert printed.metadata.title == "The Sigmoid Course"
    assert printed.metadata.author == "The Sigmoid Course authors"
    root = printed.root_object
    assert root["/Lang"] == "en"
    assert root["/MarkInfo"]["/Marked"]
    assert root["/PageMode"] == "/UseOutlines"
    assert root["/ViewerPreferences"]["/DisplayDocTitle"]


@needs_browser
def test_tags_give_headings_tables_and_the_alternatives_of_pictures_and_formulas(printed, originals):
    found, alternatives, stack = Counter(), Counter(), [printed.root_object["/StructTreeRoot"]]
    while stack:
        tag = stack.pop().get_object()
        if not isinstance(tag, dict):
            continue
        found[tag.get("/S")] += 1
        alternatives[tag.get("/Alt")] += 1
        below = tag.get("/K", [])
        stack.extend(below if isinstance(below, list) else [below])
    assert found["/H1"] == len(names(PRINTED)) + 1
    assert found["/Table"] >= 4
    chapter = originals["book/01_curve"]
    assert [tag["alt"] for tag in chapter.find_all("img") if not alternatives[tag["alt"]]] == []
    assert alternatives[r"\frac{1}{99} \cdot 10 \cdot 10"]


@needs_browser
def test_pages_are_a4_and_the_cheat_sheet_is_one_of_them(printed, texts):
    for page in printed.pages:
        assert [float(side) for side in page.mediabox] == pytest.approx([0, 0, 595.3, 841.9], abs=1)
    assert sum("the sigmoid on one page" in text for text in texts) == 1
    begins = dict(flat(bookmarks(printed, printed.outline)))
    assert begins["Glossary"] == begins["Cheat sheet"] + 1


# --- What is missing --------------------------------------------------------------------------------------------------


def test_a_book_that_is_not_built_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["pdf.py", "--site", str(tmp_path)])
    with pytest.raises(SystemExit, match="run: make book"):
        pdf.main()


def test_a_missing_browser_is_named_and_where_to_get_one(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("PLAYWRIGHT_BROWSERS_PATH", str(tmp_path))
    with pytest.raises(SystemExit, match="apt install chromium"), pdf.laid_out(tmp_path / "book.html"):
        pass
