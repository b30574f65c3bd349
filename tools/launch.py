"""Ways from a page of the book to its notebook: downloads, and links that open it elsewhere.

One setting decides, `repository: url:` in `_config.yml`. With an address there, chapters get a menu with Binder and
Colab, and so does each problem set on its page; without one, nothing points anywhere. The theme has such a menu too.
It is not used, because it writes links that lead nowhere for GitLab's subgroups and for a branch with a slash, and
fails a build on GitLab for want of Colab.
"""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import nbformat
from docutils import nodes
from docutils.statemachine import StringList
from hatchling.builders.wheel import WheelBuilder
from sphinx.addnodes import download_reference
from sphinx.errors import ConfigError
from sphinx.util.docutils import SphinxDirective

if TYPE_CHECKING:
    from sphinx.application import Sphinx
    from sphinx.config import Config

PAGE, WAYS = "book/start/problem_sets", "ways-to-open-one"
ICONS = {
    "Binder": "_static/images/logo_binder.svg",
    "Colab": "_static/images/logo_colab.png",
    "JupyterLite": "_static/images/logo_jupyterlite.svg",
}
_ADDRESS = re.compile(r"https://(github\.com|gitlab\.com)/([\w.-]+(?:/[\w.-]+)*)/([\w.-]+?)(?:\.git)?/?", re.ASCII)


@dataclass(frozen=True)
class Repository:
    """Where the public copy of the course is.

    Examples
    --------
    >>> course = Repository.at("https://github.com/someone/course.git", "main")
    >>> course.links("book/01_curve.ipynb")["Colab"]
    'https://colab.research.google.com/github/someone/course/blob/main/book/01_curve.ipynb'
    """

    host: str
    owner: str
    name: str
    branch: str

    @classmethod
    def at(cls, address: str, branch: str) -> Repository:
        """Read the address of a repository on GitHub or GitLab.

        Raises
        ------
        ConfigError
            It is none.
        """
        found = _ADDRESS.fullmatch(address.strip())
        if found is None or (found[1] == "github.com" and "/" in found[2]):
            raise ConfigError(
                f"_config.yml, repository: url: is {address!r}, which is not the address of a repository. Write "
                "https://github.com/OWNER/REPOSITORY or https://gitlab.com/GROUP/REPOSITORY, or leave it empty: "
                "then no page has a button for Binder or Colab."
            )
        return cls(found[1], found[2], found[3], branch)

    @property
    def url(self) -> str:
        """The address, in its plain form."""
        return f"https://{self.host}/{self.owner}/{self.name}"

    def links(self, path: str) -> dict[str, str]:
        """Return where a notebook of the repository opens: {name of the service: address}.

        Binder takes both hosts, and one path segment for each part of the address. Colab takes GitHub only.
        """
        branch, path = quote(self.branch, safe=""), quote(path)
        if self.host == "gitlab.com":
            project = quote(f"{self.owner}/{self.name}", safe="")
            return {"Binder": f"https://mybinder.org/v2/gl/{project}/{branch}?urlpath=lab/tree/{path}"}
        project = f"{self.owner}/{self.name}"
        return {
            "Binder": f"https://mybinder.org/v2/gh/{project}/{branch}?urlpath=lab/tree/{path}",
            "Colab": f"https://colab.research.google.com/github/{project}/blob/{quote(self.branch)}/{path}",
        }


def _repository(config: Config) -> Repository | None:
    options = config.html_theme_options
    address = options.get("repository_url") or ""
    return Repository.at(address, options.get("repository_branch") or "main") if address else None


def _links(config: Config, page: str, path: str) -> dict[str, str]:
    """Where a notebook opens, from a page: on other hosts, and in the JupyterLite site that lies beside the pages."""
    repository = _repository(config)
    links = repository.links(path) if repository else {}
    if config.course_lite:
        links["JupyterLite"] = f"{'../' * page.count('/')}lite/lab/index.html?path={quote(path)}"
    return links


def problem_sets(root: Path) -> dict[str, Path]:
    """Return the notebooks that learners get, without what somebody keeps beside them: {name: path below the root}."""
    paths = [path for path in sorted(root.glob("exercises/*/*.ipynb")) if path.stem == path.parent.name]
    return {path.stem: path.relative_to(root) for path in paths}


def build_wheel(root: Path, folder: Path) -> Path:
    """Build the course's wheel into a folder of its own; return its path.

    The same files give the same bytes, and a wheel that would be the same is not touched: pages depend on it.
    """
    with tempfile.TemporaryDirectory() as new:
        built = Path(next(iter(WheelBuilder(str(root)).build(directory=new, versions=["standard"]))))
        wheel = folder / built.name
        if not wheel.exists() or wheel.read_bytes() != built.read_bytes():
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
            shutil.copyfile(built, wheel)
    return wheel


# --- Chapters ---------------------------------------------------------------------------------------------------------


def _add_menu(app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: nodes.document | None) -> None:
    """Put a menu of the places where a chapter opens beside the theme's menu of its downloads."""
    if doctree is None or not str(app.env.doc2path(page)).endswith(".ipynb"):
        return
    links = _links(app.config, page, f"{page}.ipynb")
    buttons = [
        {"type": "link", "text": name, "tooltip": f"Open in {name}", "icon": ICONS[name], "url": url}
        for name, url in links.items()
    ]
    if buttons:
        how = {"text": "How this works", "tooltip": "What to do there", "url": f"{context['pathto'](PAGE)}#{WAYS}"}
        buttons.append({"type": "link", "icon": "fas fa-circle-question", **how})
        menu = {"type": "group", "tooltip": "Open this notebook", "icon": "fas fa-rocket", "label": "launch-buttons"}
        context["header_buttons"].insert(0, {**menu, "buttons": buttons})


# --- Problem sets -----------------------------------------------------------------------------------------------------


class ProblemSets(SphinxDirective):
    """A section for each problem set: what its notebook says first, and how to open it.

    What depends on a setting is left open here, and filled in or dropped when pages are written (:func:`_resolve`):
    then a change of a setting reaches the page without its source being read again.
    """

    def run(self) -> list[nodes.Node]:
        """Return the sections."""
        sections = []
        for name, path in problem_sets(Path(self.env.srcdir)).items():
            self.env.note_dependency(str(path))
            source = nbformat.read(Path(self.env.srcdir, path), as_version=4).cells[0].source
            heading, about = source.split("\n\n")[:2]
            title = heading.removeprefix("# ")
            section = nodes.section(ids=[nodes.make_id(name)], names=[nodes.fully_normalize_name(name)])
            section += nodes.title(title, title)
            self.state.nested_parse(StringList(about.splitlines(), str(path)), 0, section)
            where = nodes.paragraph("", "In JupyterLab: ")
            where += nodes.literal("", path.as_posix())
            download = nodes.paragraph(classes=["launch"])
            download += _download(f"/{path.as_posix()}", f"Download {path.name}")
            download += nodes.inline(launches=path.as_posix())
            section += [where, download]
            sections.append(section)
        return sections


class CourseWheel(SphinxDirective):
    """A link that downloads the course's library, and text in whose code WHEEL stands for the file's name."""

    has_content = True

    def run(self) -> list[nodes.Node]:
        """Return link and text."""
        (wheel,) = _wheel_folder(self.env.doctreedir).glob("*.whl")
        target = Path(os.path.relpath(wheel, self.env.srcdir)).as_posix()
        text = nodes.container()
        self.state.nested_parse(self.content, self.content_offset, text)
        _replace_in_code(text, {"WHEEL": wheel.name})
        return [nodes.paragraph("", "", _download(f"/{target}", wheel.name), classes=["launch"]), *text.children]


class LaunchNote(SphinxDirective):
    """Text that stands on a page only where the service that it names is offered.

    In its code REPOSITORY and BRANCH stand for the setting's.
    """

    required_arguments = 1
    has_content = True

    def run(self) -> list[nodes.Node]:
        """Return the text, to be kept or dropped when the page is written."""
        if self.arguments[0] not in ICONS:
            raise self.error(f"{self.arguments[0]!r} is no service; known: {', '.join(ICONS)}")
        note = nodes.container(offered_with=self.arguments[0])
        self.state.nested_parse(self.content, self.content_offset, note)
        return [note]


def _replace_in_code(parent: nodes.Element, values: dict[str, str]) -> None:
    for block in parent.findall(nodes.literal_block):
        text = block.astext()
        for name, value in values.items():
            text = text.replace(name, value)
        block.rawsource = text  # where it differs from the text, Sphinx leaves the code without colours
        block.children = [nodes.Text(text)]


def _download(target: str, text: str) -> nodes.Node:
    return download_reference("", "", nodes.inline("", text), reftarget=target, refexplicit=True, classes=BUTTON)


BUTTON = ["sd-sphinx-override", "sd-btn", "sd-btn-outline-primary"]


def _resolve(app: Sphinx, doctree: nodes.document, page: str) -> None:
    """Write what depends on settings, and lead from each mention of a problem set to its place."""
    config = app.config
    for place in list(doctree.findall(lambda node: isinstance(node, nodes.inline) and "launches" in node)):
        links: list[nodes.Node] = []
        for name, url in _links(config, page, place["launches"]).items():
            link = nodes.reference("", "", nodes.inline("", name), refuri=url, classes=BUTTON, internal=False)
            link["reftitle"] = f"Open {Path(place['launches']).name} in {name}"
            links += [nodes.Text(" "), link]
        place.replace_self(links)
    offered = _links(config, page, "")
    repository = _repository(config)
    for note in list(doctree.findall(lambda node: isinstance(node, nodes.container) and "offered_with" in node)):
        if repository:
            _replace_in_code(note, {"REPOSITORY": repository.url, "BRANCH": repository.branch})
        note.replace_self(note.children if note["offered_with"] in offered else [])
    if page == PAGE or PAGE not in app.env.found_docs:
        return
    names = problem_sets(Path(app.srcdir))
    for node in list(doctree.findall(lambda n: isinstance(n, nodes.strong | nodes.literal) and n.astext() in names)):
        if not isinstance(node.parent, nodes.reference | nodes.title):
            address = f"{app.builder.get_relative_uri(page, PAGE)}#{nodes.make_id(node.astext())}"
            link = nodes.reference("", "", refuri=address, internal=True)
            node.replace_self(link)
            link += node


# --- Set up -----------------------------------------------------------------------------------------------------------


def _check_address(app: Sphinx, config: Config) -> None:
    """Fail at once where the setting is wrong, and give the theme its plain form."""
    if repository := _repository(config):
        config.html_theme_options["repository_url"] = repository.url


def _wheel_folder(doctrees: str | os.PathLike[str]) -> Path:
    # Beside the doctrees, not in the sources: several builds of one checkout may run at a time.
    return Path(doctrees).parent / "dist"


def _build_wheel(app: Sphinx) -> None:
    build_wheel(Path(app.srcdir), _wheel_folder(app.doctreedir))


def setup(app: Sphinx) -> dict[str, bool]:
    """Register with Sphinx."""
    app.add_config_value("course_lite", bool(os.environ.get("COURSE_LITE")), "html", bool)
    app.add_directive("problem-sets", ProblemSets)
    app.add_directive("course-wheel", CourseWheel)
    app.add_directive("launch-note", LaunchNote)
    app.connect("config-inited", _check_address, priority=900)
    app.connect("builder-inited", _build_wheel)
    app.connect("doctree-resolved", _resolve)
    app.connect("html-page-context", _add_menu, priority=600)
    return {"parallel_read_safe": True}
