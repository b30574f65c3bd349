"""Ways from the pages to the notebooks: every download is the committed file, every link opens a file that exists."""

import hashlib
import json
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

import nbformat
import pytest
import yaml
from bs4 import BeautifulSoup
from nbformat.v4 import new_markdown_cell, new_notebook
from packaging.requirements import Requirement
from sphinx.errors import ConfigError

from .conftest import load_tool

ROOT = Path(__file__).resolve().parents[2]
CHAPTERS = [path.relative_to(ROOT) for path in sorted((ROOT / "book").glob("[0-9][0-9]_*.ipynb"))]
PAGE = "book/start/problem_sets.html"


launch = load_tool("launch")
sys.path.insert(0, str(ROOT / "tools"))
lite = load_tool("lite")
SETS = list(launch.problem_sets(ROOT).values())


def test_problem_sets_are_found_among_what_somebody_keeps_beside_them(tmp_path):
    for name in (
        "ps1/ps1.ipynb",
        "ps1/ps1-Copy1.ipynb",
        "My notes/Untitled 1.ipynb",
        "Untitled.ipynb",
        "ps2/ps2.ipynb",
    ):
        (tmp_path / "exercises" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "exercises" / name).touch()
    found = {"ps1": Path("exercises/ps1/ps1.ipynb"), "ps2": Path("exercises/ps2/ps2.ipynb")}
    assert launch.problem_sets(tmp_path) == found


def test_names_with_spaces_in_the_folders_where_people_work_do_not_stop_make(tmp_path):
    """make has no way to name a file with a space."""
    shutil.copy(ROOT / "Makefile", tmp_path)
    for name in ("exercises/My notes/Untitled 1.ipynb", "book/My notes.ipynb", ".venv/ready"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    command = ["make", "--dry-run", "--print-data-base", "_build/html/index.html"]
    database = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False).stdout
    (rule,) = [line for line in database.splitlines() if line.startswith("_build/html/index.html:")]
    assert "_config.yml" in rule
    assert "notes" not in rule


def services(soup):
    """Addresses on a page that would open a notebook elsewhere."""
    hosts = re.compile(r"mybinder\.org/v2/|colab\.research\.google|/lite/lab/")
    return [tag["href"] for tag in soup.find_all("a", href=True) if hosts.search(tag["href"])]


# --- The book as it is built by default -------------------------------------------------------------------------------


def test_without_an_address_no_page_has_a_button_or_text_about_other_hosts(pages):
    assert yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))["repository"]["url"] == ""
    assert {name: services(soup) for name, soup in pages.items() if services(soup)} == {}
    assert not any(soup.find(class_="dropdown-launch-buttons") for soup in pages.values())
    text = pages[PAGE].find("article").get_text()
    assert not re.search("Binder|Colab|REPOSITORY|BRANCH|WHEEL", text)


def _downloads(site, pages, page):
    return {
        Path(tag["href"]).name: (site / page).parent.joinpath(unquote(tag["href"])).resolve()
        for tag in pages[page].find_all("a", class_="download")
    }


def test_each_problem_set_downloads_as_it_is_committed(site, pages):
    found = _downloads(site, pages, PAGE)
    for path in SETS:
        assert found[path.name].is_relative_to(site.resolve())
        assert found[path.name].read_bytes() == (ROOT / path).read_bytes()
        nbformat.validate(nbformat.read(found[path.name], as_version=4))
    assert {name for name in found if name.endswith(".ipynb")} == {path.name for path in SETS}


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)
def test_each_chapter_downloads_as_it_is_committed(site, pages, path):
    name = path.with_suffix(".html").as_posix()
    (link,) = [a["href"] for a in pages[name].select(".dropdown-download-buttons a") if a["href"].endswith(".ipynb")]
    file = (site / name).parent / link
    assert file.read_bytes() == (ROOT / path).read_bytes()
    nbformat.validate(nbformat.read(file, as_version=4))


def test_the_library_downloads_as_a_wheel_with_all_that_is_not_python(site, pages):
    (wheel,) = [file for name, file in _downloads(site, pages, PAGE).items() if name.endswith(".whl")]
    with zipfile.ZipFile(wheel) as archive:
        held = {name: archive.read(name) for name in archive.namelist() if ".dist-info/" not in name}
    tracked = _tracked("course_lib", "grading")
    assert set(held) == tracked
    assert {"course_lib/gpu.cu", "course_lib/misconceptions.toml", "grading/templates/page.html"} <= tracked
    assert all(data == (ROOT / name).read_bytes() for name, data in held.items())
    code = pages[PAGE].find("article").find("pre").get_text()
    assert f'"./{wheel.name}[lab,grading]"' in code
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]
    assert {"lab", "grading"} <= set(extras)


def test_the_same_library_gives_the_same_wheel_and_leaves_its_file_alone(tmp_path):
    wheel = launch.build_wheel(ROOT, tmp_path / "dist")
    before = wheel.stat().st_mtime_ns
    assert launch.build_wheel(ROOT, tmp_path / "dist") == wheel
    assert wheel.stat().st_mtime_ns == before


def test_each_problem_set_stands_on_the_page_under_its_own_heading(pages):
    for path in SETS:
        section = pages[PAGE].find("section", id=path.stem.replace("_", "-"))
        heading = nbformat.read(ROOT / path, as_version=4).cells[0].source.split("\n")[0]
        assert section.find(["h2", "h3"]).find(string=True) == heading.removeprefix("# ")
        assert path.as_posix() in section.get_text()


def test_each_mention_of_a_problem_set_leads_to_its_place(pages):
    names = {path.stem for path in SETS}
    linked = set()
    for name, soup in pages.items():
        if name == PAGE or soup.find("article") is None:
            continue
        for tag in soup.find("article").find_all(["strong", "code"]):
            if tag.get_text() in names:
                assert tag.parent.name == "a", (name, tag)
                assert tag.parent["href"].endswith(f"problem_sets.html#{tag.get_text().replace('_', '-')}")
                linked.add((name, tag.get_text()))
    chapters = {path.with_suffix(".html").as_posix() for path in CHAPTERS}
    # Chapter 7 has its exercises on the page.
    assert {name for name, _ in linked} >= chapters - {"book/07_activations.html"}


# --- With an address --------------------------------------------------------------------------------------------------


def _tracked(*folders):
    listed = subprocess.run(["git", "ls-files", *folders], cwd=ROOT, capture_output=True, text=True, check=True)
    return set(listed.stdout.split("\n")) - {""}


def _build(folder, address):
    """Build the course's pages of problem sets and chapters, these with nothing in them but a heading."""
    for name in ("course_lib", "grading", "exercises", "tools", "book/_static"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "book/start").mkdir()
    for name in ("pyproject.toml", "README.md", "LICENSE", "LICENSE-text", "book/references.bib"):
        shutil.copy(ROOT / name, folder / name)
    shutil.copy(ROOT / "book/start/problem_sets.md", folder / "book/start/problem_sets.md")
    for path in CHAPTERS:
        full = nbformat.read(ROOT / path, as_version=4)
        nbformat.write(new_notebook(cells=[new_markdown_cell("# A chapter")], metadata=full.metadata), folder / path)
    config = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))
    config["repository"]["url"] = address
    (folder / "_config.yml").write_text(yaml.safe_dump(config), encoding="utf-8")
    chapters = [{"file": path.with_suffix("").as_posix()} for path in CHAPTERS]
    toc = {"format": "jb-book", "root": PAGE.removesuffix(".html"), "chapters": chapters}
    (folder / "_toc.yml").write_text(yaml.safe_dump(toc), encoding="utf-8")
    command = [sys.executable, "-c", "from jupyter_book.cli.main import main; main()", "build", ".", "-W", "-q"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=120)


def _read(folder):
    html = folder / "_build/html"
    names = [PAGE, *(path.with_suffix(".html").as_posix() for path in CHAPTERS)]
    return {name: BeautifulSoup((html / name).read_text(encoding="utf-8"), "html.parser") for name in names}


@pytest.fixture(scope="module")
def on_github(tmp_path_factory):
    folder = tmp_path_factory.mktemp("github")
    done = _build(folder, "https://github.com/someone/sigmoid.git/")
    assert done.returncode == 0, done.stderr
    return _read(folder)


def _opened(addresses):
    """What links to services open: {service: (project, branch, path)}."""
    found = {}
    for address in addresses:
        parts = urlsplit(address)
        if parts.netloc == "mybinder.org":
            # https://mybinder.readthedocs.io: /v2/<provider>/<what the provider needs>?urlpath=<address in the server>
            provider, rest = re.fullmatch(r"/v2/(gh|gl)/(.+)", parts.path).groups()
            *project, branch = rest.split("/")
            (inside,) = parse_qs(parts.query)["urlpath"]
            where = "/".join(project)
            found[f"Binder {provider}"] = (unquote(where), unquote(branch), inside.removeprefix("lab/tree/"))
        else:
            assert parts.netloc == "colab.research.google.com"
            project, branch, path = re.fullmatch(r"/github/([^/]+/[^/]+)/blob/([^/]+)/(.+)", parts.path).groups()
            found["Colab"] = (project, branch, path)
    assert len(found) == len(addresses)
    return found


@pytest.mark.parametrize("notebook", [*CHAPTERS, *SETS], ids=lambda path: path.stem)
def test_with_an_address_each_notebook_opens_on_binder_and_colab(on_github, notebook):
    if notebook in SETS:
        place = on_github[PAGE].find("section", id=notebook.stem.replace("_", "-"))
    else:
        place = on_github[notebook.with_suffix(".html").as_posix()]
    opened = ("someone/sigmoid", "main", notebook.as_posix())
    assert notebook.as_posix() in _tracked("book", "exercises")
    assert _opened(services(place)) == {"Binder gh": opened, "Colab": opened}


def test_with_an_address_the_page_says_what_colab_needs_first(on_github):
    text = on_github[PAGE].find("article").get_text()
    assert "git clone --quiet --depth 1 --branch main https://github.com/someone/sigmoid /content/course" in text
    assert "There is no Validate on Colab" in text
    assert "JupyterLite" not in text
    anchors = {tag["href"] for tag in on_github["book/01_curve.html"].find_all("a", href=True, string=None)}
    assert "start/problem_sets.html#ways-to-open-one" in anchors
    assert on_github[PAGE].find(id="ways-to-open-one")


def test_buttons_are_links_and_their_pictures_come_with_the_book(on_github):
    for soup in on_github.values():
        loaded = [tag.get("src") for tag in soup.find_all(["script", "img", "iframe"])]
        loaded += [tag.get("href") for tag in soup.find_all("link") if "license" not in tag.get("rel", [])]
        assert [address for address in loaded if re.match("(https?:)?//", address or "")] == []


def test_on_gitlab_there_is_binder_and_no_colab():
    """Binder wants a project of GitLab as one segment: https://mybinder.readthedocs.io/en/latest/howto/gitlab.html."""
    links = launch.Repository.at("https://gitlab.com/faculty/courses/sigmoid", "this/year").links("book/01_curve.ipynb")
    assert links["Binder"].startswith("https://mybinder.org/v2/gl/faculty%2Fcourses%2Fsigmoid/this%2Fyear?urlpath=lab/")
    assert _opened(links.values()) == {"Binder gl": ("faculty/courses/sigmoid", "this/year", "book/01_curve.ipynb")}


def test_a_wrong_address_ends_the_build_and_says_what_to_write(tmp_path):
    done = _build(tmp_path, "git@github.com:someone/sigmoid.git")
    assert done.returncode != 0
    said = " ".join((done.stdout + done.stderr).split())
    assert "repository: url: is 'git@github.com:someone/sigmoid.git'" in said
    assert "Write https://github.com/OWNER/REPOSITORY" in said


@pytest.mark.parametrize(
    "address",
    [
        "github.com/someone/sigmoid",
        "https://github.com/someone",
        "https://github.com/someone/sigmoid/tree/main",
        "https://gitlab.com/sigmoid",
        "https://example.org/someone/sigmoid",
        "https://github.com/some one/sigmoid",
        "https://github.com.example.org/someone/sigmoid",
    ],
)
def test_what_is_no_address_of_a_repository_is_refused(address):
    with pytest.raises(ConfigError, match=r"not the address of a repository.*leave it empty"):
        launch.Repository.at(address, "main")


@pytest.mark.parametrize("ending", ["", "/", ".git", ".git/"])
def test_an_address_may_be_written_as_the_hosts_show_it(ending):
    plain = launch.Repository.at("https://github.com/someone/sigmoid.course", "main")
    assert launch.Repository.at(f"https://github.com/someone/sigmoid.course{ending}", "main") == plain
    assert plain.url == "https://github.com/someone/sigmoid.course"


# --- Binder's folder --------------------------------------------------------------------------------------------------


def test_binder_installs_what_the_tests_run_with():
    binder = ROOT / ".binder"
    (needed,) = [line for line in (binder / "requirements.txt").read_text().splitlines() if not line.startswith("#")]
    assert (binder / needed.removeprefix("-r ")).resolve() == ROOT / "requirements.txt"
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    version = (binder / "runtime.txt").read_text().strip().removeprefix("python-")
    assert f">={version}" == project["requires-python"]
    # The course itself as bootstrap.py installs it; Binder runs the file only if it may be executed.
    assert "pip install --no-cache-dir --no-deps --no-build-isolation -e ." in (binder / "postBuild").read_text()
    mode = subprocess.run(["git", "ls-files", "-s", ".binder/postBuild"], cwd=ROOT, capture_output=True, text=True)
    assert mode.stdout.startswith("100755")
    assert _tracked(".binder") == {".binder/requirements.txt", ".binder/runtime.txt", ".binder/postBuild"}


# --- JupyterLite ------------------------------------------------------------------------------------------------------


def test_the_list_of_pyodides_packages_is_closed_and_for_what_jupyterlite_is_pinned():
    lock = json.loads(lite.LOCK.read_text(encoding="utf-8"))
    assert lite.reduced(lock)["packages"] == lock["packages"]
    have = {*lock["packages"], *lite.PURE}
    asked = {name for package in lock["packages"].values() for name in package["depends"]}
    asked |= {name for depends in [lite.LIBRARY, *lite.PURE.values()] for name in depends}
    assert {name.lower().replace("_", "-") for name in asked} <= have
    assert all(re.fullmatch("[0-9a-f]{64}", package["sha256"]) for package in lock["packages"].values())
    assert re.fullmatch(r"\d+\.\d+\.\d+", lock["info"]["version"])


def test_the_site_has_what_the_library_needs():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    needed = {Requirement(line).name for line in project["project"]["dependencies"]}
    assert needed == set(lite.LIBRARY)
    pinned = (ROOT / "requirements-lite.txt").read_text(encoding="utf-8")
    default = (ROOT / "requirements.txt").read_text(encoding="utf-8")
    for line in project["dependency-groups"]["lite"]:
        assert re.sub(r"\[.*\]", "", line) in pinned
    assert "jupyterlite" not in default


def test_an_entry_names_the_wheel_by_its_bytes_and_its_import(tmp_path):
    wheel = launch.build_wheel(ROOT, tmp_path)
    about = lite.entry(wheel, lite.LIBRARY)
    assert (about["name"], about["imports"], about["file_name"]) == ("sigmoid-course", ["course_lib"], wheel.name)
    assert about["sha256"] == hashlib.sha256(wheel.read_bytes()).hexdigest()
    assert lite.entry(_named(tmp_path / "array_api_compat-1.16.0-py3-none-any.whl"), ["numpy"])["imports"] == [
        "array_api_compat"
    ]


def _named(path):
    path.write_bytes(b"")
    return path


def test_a_distribution_with_files_missing_is_refused(tmp_path):
    lock = json.loads(lite.LOCK.read_text(encoding="utf-8"))
    with pytest.raises(SystemExit, match=r"lacks \d+ files.*full distribution"):
        lite.pyodide_files(tmp_path, lock)
    for package in lock["packages"].values():
        _named(tmp_path / package["file_name"])
    core = {"pyodide.js", "pyodide.mjs", "pyodide.asm.js", "pyodide.asm.wasm", "python_stdlib.zip"}
    for name in (*core, "pyodide.mjs.map", "pyodide.asm.js.map", "pandas-2.3.3-cp313-cp313-pyodide_2025_0_wasm32.whl"):
        _named(tmp_path / name)
    files = {path.name for path in lite.pyodide_files(tmp_path, lock)}
    assert files == core | {package["file_name"] for package in lock["packages"].values()}
    (tmp_path / "pyodide.asm.wasm").unlink()
    with pytest.raises(SystemExit, match=r"pyodide\.asm\.wasm"):
        lite.pyodide_files(tmp_path, lock)


def test_a_pyodide_without_a_package_is_refused():
    lock = json.loads(lite.LOCK.read_text(encoding="utf-8"))
    del lock["packages"]["scipy"]
    with pytest.raises(SystemExit, match="no package scipy"):
        lite.reduced(lock)
