"""The book and JupyterLab as a person meets them, in Debian's chromium."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from playwright.sync_api import expect

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def course(chromium, site, tmp_path_factory):
    """What `make start` serves, from a copy of the exercises: (address of the book, address of JupyterLab)."""
    folder = tmp_path_factory.mktemp("course")
    shutil.copytree(site, folder / "_build" / "html")
    for name in ("exercises", "tools"):
        shutil.copytree(ROOT / name, folder / name)
    scripts = Path(sys.executable).parent
    command = [sys.executable, "tools/start.py", "--no-browser", "--book-port", "8100", "--lab-port", "8200"]
    environment = {**os.environ, "PATH": os.pathsep.join([str(scripts), os.environ["PATH"]])}
    server = subprocess.Popen(command, cwd=folder, env=environment, stdout=subprocess.PIPE, text=True)
    assert server.stdout is not None
    said = ""
    while "Ctrl-C" not in said:
        line = server.stdout.readline()
        assert line, f"the servers did not start: {said}"
        said += line
    yield re.search(r"Read: +(\S+)", said)[1], re.search(r"Solve: +(\S+)", said)[1]
    server.terminate()
    server.communicate(timeout=20)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_chapter_1_is_rendered_maths_included(course, open_page, scheme, width):
    page, trouble = open_page(color_scheme=scheme, viewport={"width": width, "height": 900})
    page.goto(f"{course[0]}book/01_curve.html")
    expect(page.locator("article h1")).to_have_text(re.compile("The curve"))
    expect(page.locator(".katex").nth(50)).to_be_attached()
    assert page.locator(".katex-error").count() == 0
    assert page.locator("article .math:not(:has(.katex))").count() == 0
    pictures = page.locator("article img")
    assert pictures.count() >= 8
    page.wait_for_function("[...document.images].every((image) => image.complete)")
    assert pictures.evaluate_all("images => images.every(i => i.naturalWidth > 0 && i.alt.length > 20)")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.evaluate("document.documentElement.dataset.theme") == scheme
    assert trouble == []


def test_the_books_address_leads_to_its_first_page_and_on_to_chapter_1(course, open_page):
    page, trouble = open_page()
    page.goto(course[0])
    expect(page.locator("article h1")).to_have_text(re.compile("The Sigmoid Course"))
    page.locator("nav a", has_text="The curve").first.click()
    expect(page.locator("article h1")).to_have_text(re.compile("The curve"))
    assert trouble == []


def test_jupyterlab_runs_ps1_and_validate_answers_with_the_hint(course, chromium):
    address, token = course[1].split("/lab?token=")
    api = f"{address}/api/contents/exercises/ps1_curve/ps1_curve.ipynb"
    context = chromium.new_context(viewport={"width": 1300, "height": 950})
    answer = "def sigmoid(x):\n    return 1 / (1 + np.exp(x))"
    headers = {"Authorization": f"token {token}"}
    notebook = context.request.get(api, headers=headers).json()["content"]
    cells = {c["metadata"].get("nbgrader", {}).get("grade_id"): c for c in notebook["cells"]}
    cells["sigmoid"]["source"] = answer
    saved = context.request.put(api, headers=headers, data=json.dumps({"type": "notebook", "content": notebook}))
    assert saved.ok

    page = context.new_page()
    page.goto(f"{address}/lab/tree/exercises/ps1_curve/ps1_curve.ipynb?token={token}")
    page.get_by_role("heading", name="Problem set 1: the curve").wait_for(timeout=60_000)
    page.get_by_text("Python 3 (ipykernel) | Idle").wait_for(timeout=60_000)
    page.locator(".lm-MenuBar-itemLabel", has_text=re.compile("^Run$")).click()
    page.locator(".lm-Menu-itemLabel", has_text=re.compile("^Run All Cells$")).click()
    hint = page.locator(".jp-OutputArea-output", has_text="Hint (sign-of-exponent)")
    expect(hint.first).to_contain_text("sigmoid(2) returned 0.119", timeout=60_000)

    page.get_by_text("Validate", exact=True).first.click()
    dialog = page.locator(".jp-Dialog", has_text="Validation Results")
    dialog.wait_for(timeout=90_000)
    said = dialog.inner_text()
    assert "Hint (sign-of-exponent)" in said
    assert "logit is not written yet" in said
