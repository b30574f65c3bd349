"""Prints the built book: `_build/html`, joined into one document, to `_build/sigmoid-course.pdf`.

The pages are those of the site, so numbers of figures, links and highlighted code are too. Chromium lays them out, and
KaTeX sets the formulas in it as on the site. What is closed on a screen is open on paper, explorables are their stills,
and the answers of a quiz stand behind all of its questions.
"""

from __future__ import annotations

import argparse
import io
import json
import posixpath
import re
import shutil
import sys
import tempfile
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote

import yaml
from bs4 import BeautifulSoup, SoupStrainer, Tag
from PIL import Image
from playwright.sync_api import Error, sync_playwright
from pypdf import PdfReader, PdfWriter
from pypdf.generic import BooleanObject, Fit, NameObject

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Page
    from pypdf.generic import Destination, IndirectObject

ROOT = Path(__file__).resolve().parent.parent
ABOUT = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
TITLE, _, SUBTITLE = ABOUT["title"].partition(": ")
AUTHORS = ", ".join(author["name"] for author in ABOUT["authors"])
SITE = ROOT / "_build" / "html"
OUT = ROOT / "_build" / "sigmoid-course.pdf"
NO_BROWSER = (
    "error: printing the book needs Chromium or Chrome. Install one so that it is on the PATH (Debian: apt install "
    "chromium), or let Playwright fetch one: .venv/bin/playwright install chromium"
)
SCREEN_ONLY = ".headerlink, .toctree-wrapper, .not-printed, details.hide > summary, .sd-summary-state-marker"
# Lines of text and figures are fitted to this width in tools/pdf.css: A4 less its margins, in CSS pixels.
TEXT_WIDTH = round((210 - 2 * 20) / 25.4 * 96)


@dataclass
class Chapter:
    """A page of the site, as it goes into the print."""

    name: str
    article: Tag

    @property
    def anchor(self) -> str:
        """Where links to the page as a whole lead."""
        return "page-" + self.name.replace("/", "-")

    @property
    def title(self) -> str:
        """The words of its heading."""
        return " ".join(self.article.select_one("h1").get_text().split())

    @property
    def sections(self) -> list[tuple[str, str]]:
        """Id and title of each section right below the heading."""
        return [(str(h2.parent["id"]), " ".join(h2.get_text().split())) for h2 in self.article.select("h2")]


@dataclass
class Part:
    """Chapters under one caption of the table of contents; the first part has none."""

    caption: str
    chapters: list[Chapter]


def read(site: Path, toc: Path = ROOT / "_toc.yml") -> list[Part]:
    """Return the pages of the site in the order of the table of contents.

    Parameters
    ----------
    site : Path
        Folder of the built pages.
    toc : Path
        Jupyter Book's table of contents, in parts.

    Returns
    -------
    list of Part
        The first has the book's front page only.
    """

    def chapter(name: str) -> Chapter:
        html = (site / f"{name}.html").read_text(encoding="utf-8")
        article = BeautifulSoup(html, "html.parser", parse_only=SoupStrainer("article")).article
        assert isinstance(article, Tag)
        return Chapter(name, article)

    contents = yaml.safe_load(toc.read_text(encoding="utf-8"))
    parts = [Part("", [chapter(contents["root"])])]
    return parts + [Part(p["caption"], [chapter(c["file"]) for c in p["chapters"]]) for p in contents["parts"]]


def join(parts: list[Part], site: Path, folder: Path) -> Path:
    """Write one document of all parts, with a title page and contents whose page numbers are still to come.

    Links between the pages become links inside the document. An id that several pages have gets its page's name in
    front; all others stay, since the book's style sheet knows some. The chapters are changed in place.
    """
    chapters = [chapter for part in parts for chapter in part.chapters]
    count = Counter(str(tag["id"]) for chapter in chapters for tag in chapter.article.find_all(id=True))
    names = {chapter.name: chapter for chapter in chapters}

    def unique(chapter: Chapter, place: str) -> str:
        return place if count[place] == 1 else f"{chapter.anchor}-{place}"

    for chapter in chapters:
        for tag in chapter.article.find_all(id=True):
            tag["id"] = unique(chapter, str(tag["id"]))
        for tag in chapter.article.find_all("a", href=True):
            href = str(tag["href"])
            if re.match(r"[a-z]+:", href):
                continue
            path, _, place = href.partition("#")
            page = posixpath.normpath(posixpath.join(posixpath.dirname(chapter.name), unquote(path)))
            target = names.get(page.removesuffix(".html")) if path else chapter
            if target is None:
                tag.unwrap()  # a picture by itself, the index: not in the print
            else:
                tag["href"] = "#" + (unique(target, unquote(place)) if place else target.anchor)
        for tag in chapter.article.find_all("img"):
            picture = site / posixpath.dirname(chapter.name) / str(tag["src"])
            on_white(picture).save(folder / picture.name, compress_level=1)
            tag["src"] = picture.name
            for name in ("loading", "width", "height"):  # on paper no picture is far away, and its style has its size
                tag.attrs.pop(name, None)
        _for_paper(chapter.article)
        chapter.article["id"] = chapter.anchor
        if chapter.article.find(id="cheat-sheet") is None:  # which has a kind of page of its own
            chapter.article["style"] = f"page: {chapter.anchor}"
    document = folder / "book.html"
    document.write_text(_document(parts, site), encoding="utf-8")
    return document


def on_white(picture: Path) -> Image.Image:
    """Return a picture without its transparency, which would take half as much again in the PDF."""
    with Image.open(picture) as image:
        ink = image.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", ink.size, "white"), ink).convert("RGB")


def _for_paper(article: Tag) -> None:
    """Take away what only a screen has, and open what is closed."""
    for tag in article.select(SCREEN_ONLY):
        tag.decompose()
    for tag in article.select("details.hide"):
        tag.unwrap()
    for section in article.find_all("section"):
        if not section.find(["p", "div", "table", "dl", "ul"]):
            section.decompose()  # the site's table of contents was all it had
    for section in article.find_all("section"):
        _answers_after_questions(section)
    for tag in article.find_all("details"):
        tag["open"] = ""


def _answers_after_questions(section: Tag) -> None:
    """Turn the choices of a quiz into lists, and put what they open into a list of answers after the last question."""
    soup = BeautifulSoup("", "html.parser")
    answers = soup.new_tag("div", attrs={"class": "answers"})
    choices: Tag | None = None
    for first in section.find_all("details", class_="sd-dropdown", recursive=False):
        before, after = first.find_previous_sibling(), first.find_next_sibling()
        if first.parent is None or _is_choice(before) or not _is_choice(after):
            continue  # a choice that has been moved already, or a single answer, which is opened where it stands
        question = first.find_previous_sibling("p")
        number = re.match(r"(\d+)\.", question.get_text()) if question else None
        if number is None:
            continue
        question["class"] = "question"
        choices, reasons = (soup.new_tag("ol", attrs={"class": "choices"}) for _ in range(2))
        first.insert_before(choices)
        while _is_choice(choice := choices.find_next_sibling()):
            words, reason = choice.extract().select(".sd-summary-text, .sd-summary-content")
            letter = words.find(string=re.compile(r"^[a-z]\) "))
            if letter is not None:  # the list has its own; in the source it is there for a formula to follow
                letter.extract()
            for items, item in ((choices, words), (reasons, reason)):
                item.name, item.attrs = "li", {}
                items.append(item)
        answers.append(soup.new_tag("p", attrs={"class": "question"}, string=f"Question {number[1]}"))
        answers.append(reasons)
    if choices is not None:
        answers.insert(0, soup.new_tag("p", attrs={"class": "rubric"}, string="Answers"))
        choices.insert_after(answers)


def _is_choice(tag: Tag | None) -> bool:
    return tag is not None and tag.name == "details"


def _document(parts: list[Part], site: Path) -> str:
    """Lay the parts into one page of HTML, with the style sheets of the site's front page."""
    front = site / f"{parts[0].chapters[0].name}.html"
    head = BeautifulSoup(front.read_text(encoding="utf-8"), "html.parser").head
    assert head is not None
    loaded = []
    for tag in head.select('link[rel="stylesheet"]'):
        tag["href"] = (front.parent / str(tag["href"]).partition("?")[0]).resolve().as_uri()
        loaded.append(str(tag))
    chapters = [chapter for part in parts for chapter in part.chapters]
    titles = {chapter.anchor: json.dumps(chapter.title, ensure_ascii=False) for chapter in chapters}
    running = [f"@page {anchor} {{ @top-left {{ content: {title} }} }}" for anchor, title in titles.items()]
    css = (ROOT / "tools" / "pdf.css").read_text(encoding="utf-8")
    return "\n".join(
        [
            '<!DOCTYPE html><html lang="en" data-theme="light" data-mode="light"><head><meta charset="utf-8">',
            f"<title>{TITLE}</title>",
            *loaded,
            f"<style>{css}\n" + "\n".join(running) + "</style></head><body>",
            _title_page(),
            _contents(parts),
            *(str(chapter.article) for chapter in chapters),
            "</body></html>",
        ]
    )


def _title_page() -> str:
    changes = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    newest = max(re.findall(r"\b\d{4}-\d\d-\d\d\b", changes))
    state = ABOUT.get("date-released", f"not released yet, state of {newest}")
    return f"""<header class="title-page">
      <img src="{(ROOT / "book" / "_static" / "favicon.svg").as_uri()}" alt="">
      <p class="title">{TITLE}</p><p class="subtitle">{SUBTITLE}</p>
      <p>{AUTHORS}</p><p>Version {ABOUT["version"]}, {state}</p>
      <div class="small-print">
      <p>This is the book on paper. What is closed on a screen is open here: an output follows its question, so cover
      the page below <strong>Predict</strong> until you have an answer. The answers of a quiz come after its last
      question. Figures that are live in a browser stand still.</p>
      <p>Text and figures: <a href="https://creativecommons.org/licenses/by/4.0/">CC BY 4.0</a>. Code:
      <a href="https://opensource.org/license/bsd-3-clause">BSD-3-Clause</a>.</p></div></header>"""


def _contents(parts: list[Part]) -> str:
    def line(level: str, anchor: str, title: str) -> str:
        return (
            f'<p class="{level}"{" hidden" * (len(title) == 1)}><a href="#{anchor}"><span>{escape(title)}</span>'
            f'<span class="number" data-of="{anchor}">000</span></a></p>'
        )

    lines = ['<nav class="table-of-contents" id="contents"><h1>Contents</h1>']
    for part in parts:
        lines.append(f'<p class="part">{escape(part.caption)}</p>' if part.caption else "")
        for chapter in part.chapters:
            lines.append(line("chapter", chapter.anchor, chapter.title))
            lines += [line("section", anchor, title) for anchor, title in chapter.sections]
    return "\n".join([*lines, "</nav>"])


def find_browser() -> str | None:
    """Return the path of Chromium or Chrome where one is on the PATH."""
    return next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome", "chrome"))), None)


@contextmanager
def laid_out(document: Path) -> Iterator[Page]:
    """Open the document in the browser as it will be printed: formulas set, fonts and pictures there.

    Raises
    ------
    SystemExit
        There is no browser; the message says where to get one.
    """
    with sync_playwright() as playwright:
        try:
            # Everything that is opened was built here, and a sandbox of its own is refused to root and in containers.
            browser = playwright.chromium.launch(executable_path=find_browser(), args=["--no-sandbox", "--disable-gpu"])
        except Error:
            if find_browser() is None:
                raise SystemExit(NO_BROWSER) from None
            raise
        page = browser.new_page(viewport={"width": TEXT_WIDTH, "height": 1000}, color_scheme="light")
        page.set_default_timeout(300_000)
        page.emulate_media(media="print")
        page.goto(document.resolve().as_uri())
        page.evaluate("document.fonts.ready")
        page.evaluate("Promise.all([...document.images].map(image => image.decode()))")
        page.evaluate(FIT)
        page.evaluate(TAG)
        yield page
        browser.close()


# A formula that is wider than the text is set smaller; a screen would scroll it.
FIT = """() => {
  for (const box of document.querySelectorAll("div.math > span:not(.eqno)")) {
    const formula = box.querySelector(".katex-display");
    if (formula && formula.scrollWidth > box.clientWidth)
      box.style.fontSize = `${box.clientWidth / formula.scrollWidth}em`;
  }
}"""

# Tags of a PDF know no MathML, and Chromium leaves hidden elements out of them: a formula is tagged as a picture whose
# alternative is its TeX.
TAG = """() => {
  for (const formula of document.querySelectorAll(".katex")) {
    const [mathml, html] = formula.children;
    html.removeAttribute("aria-hidden");
    html.setAttribute("role", "img");
    html.setAttribute("aria-label", mathml.querySelector("annotation").textContent);
  }
}"""


def print_pages(page: Page) -> PdfReader:
    """Print the document, with the numbers of its pages in its contents.

    Raises
    ------
    RuntimeError
        The numbers, once they stand in the contents, are no longer those of the pages.
    """
    # What is hidden takes its place on the pages and no time to draw.
    page.evaluate("document.body.style.visibility = 'hidden'")
    numbers = page_numbers(PdfReader(io.BytesIO(page.pdf(prefer_css_page_size=True))))
    page.evaluate("document.body.style.visibility = 'visible'")
    page.evaluate(
        """numbers => document.querySelectorAll("[data-of]").forEach(
          (tag) => tag.textContent = numbers[tag.dataset.of])""",
        numbers,
    )
    pdf = PdfReader(io.BytesIO(page.pdf(prefer_css_page_size=True, print_background=True, tagged=True)))
    if page_numbers(pdf) != numbers:
        raise RuntimeError("the contents name other pages than those that were printed")
    return pdf


def destinations(pdf: PdfReader) -> dict[str, Destination]:
    """Return where the links of the document lead, by the id of the element."""
    return {name.removeprefix("/"): place for name, place in pdf.named_destinations.items()}


def page_numbers(pdf: PdfReader) -> dict[str, int]:
    """Return the number of the page, from 1, that each link leads to."""
    return {name: 1 + (pdf.get_destination_page_number(at) or 0) for name, at in destinations(pdf).items()}


def bookmarked(pdf: PdfReader, parts: list[Part]) -> PdfWriter:
    """Return the print with bookmarks, parts over chapters over sections, and with what it says about itself."""
    places, numbers = destinations(pdf), page_numbers(pdf)
    writer = PdfWriter(pdf, incremental=True)

    def bookmark(title: str, anchor: str, parent: IndirectObject | None = None) -> IndirectObject:
        place = places[anchor]
        fit = Fit.xyz(left=place.left, top=place.top)
        return writer.add_outline_item(title=title, page_number=numbers[anchor] - 1, parent=parent, fit=fit)

    for part in parts:
        above = bookmark(part.caption, part.chapters[0].anchor) if part.caption else None
        for chapter in part.chapters:
            item = bookmark(chapter.title, chapter.anchor, above)
            for anchor, title in chapter.sections:
                bookmark(title, anchor, item)
    writer.add_metadata({"/Title": TITLE, "/Subject": SUBTITLE, "/Author": AUTHORS})
    writer.page_mode = "/UseOutlines"
    writer.create_viewer_preferences()[NameObject("/DisplayDocTitle")] = BooleanObject(True)
    return writer


def main() -> int:
    """Print the book."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--site", type=Path, default=SITE, help="the built pages (default: _build/html)")
    parser.add_argument("--out", type=Path, default=OUT, help="default: _build/sigmoid-course.pdf")
    options = parser.parse_args()
    if not (options.site / "index.html").exists():
        raise SystemExit("error: the book is not built; run: make book")
    parts = read(options.site)
    with tempfile.TemporaryDirectory() as folder, laid_out(join(parts, options.site, Path(folder))) as page:
        pdf = print_pages(page)
    bookmarked(pdf, parts).write(options.out)
    print(f"{len(pdf.pages)} pages: {options.out}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
