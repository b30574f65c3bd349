"""A submission is untrusted data: it is read, or refused in words for a person; only answers and own cells count."""

import copy
import json
import os

import nbformat
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nbformat.v4 import new_code_cell, new_markdown_cell, new_raw_cell
from nbgrader.preprocessors import DeduplicateIds

from grading import intake
from grading.grade import grade
from grading.intake import IntakeError, Submission

from .conftest import marks, require_isolation, tiny_notebook, write_submission


@pytest.fixture
def path(tmp_path):
    """An honest submission."""
    return write_submission(tmp_path / "submitted", "ada", tiny_notebook())


# --- files ------------------------------------------------------------------------------------------------------------


def test_an_honest_file_is_read(path):
    read = intake.read("ada", path)
    assert [c.key for c in read.cells] == [intake.key(c) for c in tiny_notebook().cells]
    assert [c.source for c in read.cells] == [c.source for c in tiny_notebook().cells]
    assert len(read.digest) == 64


def test_students_are_found_by_their_folders(path, tmp_path):
    (tmp_path / "submitted" / "late" / "tiny").mkdir(parents=True)
    (tmp_path / "submitted" / "other" / "ps2").mkdir(parents=True)
    (tmp_path / "submitted" / "notes.txt").write_text("")
    (tmp_path / "submitted" / "linked").mkdir()
    (tmp_path / "submitted" / "linked" / "tiny").symlink_to("nowhere")
    found = intake.find(tmp_path / "submitted", "tiny")
    assert sorted(found) == ["ada", "late", "linked"]
    assert found["ada"] == path


def refused(path) -> str:
    with pytest.raises(IntakeError) as caught:
        intake.read("ada", path)
    return str(caught.value)


def test_a_missing_file_is_named_with_what_is_there(path):
    path.rename(path.with_name("tiny (1).ipynb"))
    path.with_name("notes.txt").write_text("")
    assert refused(path) == "no notebook named tiny.ipynb; found tiny (1).ipynb"
    path.with_name("tiny (1).ipynb").unlink()
    path.with_name(os.fsdecode(b"\xff.ipynb")).write_text("")
    assert refused(path) == "no notebook named tiny.ipynb; found ?.ipynb"
    path.with_name(os.fsdecode(b"\xff.ipynb")).unlink()
    assert refused(path) == "no notebook named tiny.ipynb"


def test_a_link_to_another_students_file_is_not_followed(path, tmp_path):
    mine = tmp_path / "submitted" / "eve" / "tiny" / "tiny.ipynb"
    mine.parent.mkdir(parents=True)
    mine.symlink_to(path)
    assert "links are not followed" in refused(mine)


@pytest.mark.parametrize("level", [1, 2])
def test_a_link_to_another_students_folder_is_not_followed(path, tmp_path, level):
    mine = tmp_path / "submitted" / "eve" / "tiny" / "tiny.ipynb"
    linked = mine.parents[level - 1]
    linked.parent.mkdir(parents=True, exist_ok=True)
    linked.symlink_to(path.parents[level - 1])
    assert "links are not followed" in refused(mine)


def test_a_folder_a_pipe_and_a_device_are_no_notebooks(path):
    path.unlink()
    path.mkdir()
    assert refused(path) == "tiny.ipynb is not a regular file"
    path.rmdir()
    os.mkfifo(path)
    assert refused(path) == "tiny.ipynb is not a regular file"
    path.unlink()
    path.symlink_to("/dev/zero")
    assert "links are not followed" in refused(path)
    path.unlink()
    path.parent.rmdir()
    path.parent.write_text("a file")
    assert refused(path) == "tiny is not a folder; links are not followed"


def test_what_is_too_large_is_not_read(path):
    with path.open("r+b") as file:
        file.truncate(intake.MAX_BYTES + 1)
    assert refused(path) == f"tiny.ipynb has {intake.MAX_BYTES + 1} bytes; {intake.MAX_BYTES} are allowed"
    notebook = tiny_notebook()
    notebook.cells += [new_code_cell("") for _ in range(intake.MAX_CELLS)]
    nbformat.write(notebook, path)
    assert refused(path) == "tiny.ipynb has 508 cells; 500 are allowed"


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "is not valid JSON"),
        (b"{", "is not valid JSON"),
        (b"\x80\x03", "is not valid JSON"),
        (b"PK\x03\x04", "is not valid JSON"),
        (b"[" * 100_000, "is not valid JSON"),
        (b'{"cells": ' + b"[" * 5000 + b"]" * 5000 + b"}", "is not valid JSON"),
        (b'{"nbformat": 1' + b"0" * 5000 + b', "cells": []}', "is not valid JSON"),
        (b"[]", "is not a notebook of format 4"),
        (b"null", "is not a notebook of format 4"),
        (b'{"nbformat": 4}', "is not a notebook of format 4"),
        (b'{"nbformat": 4, "cells": {}}', "is not a notebook of format 4"),
        (b'{"nbformat": 3, "worksheets": []}', "it is in format 3: open it in JupyterLab and save it"),
        (b'{"cells": [3]}', "cell 1 of tiny.ipynb is not a cell"),
        (b'{"cells": [{"source": 3}]}', "cell 1 of tiny.ipynb has no text"),
        (b'{"cells": [{"source": ["a", 3]}]}', "cell 1 of tiny.ipynb has no text"),
        (b'{"cells": [{"source": null}]}', "cell 1 of tiny.ipynb has no text"),
    ],
)
def test_what_is_malformed_is_refused_in_words(path, data, message):
    path.write_bytes(data)
    assert message in refused(path)


def one(**fields) -> intake.Cell:
    """Return what is read of one cell."""
    [cell] = intake.cells({"cells": [{"cell_type": "code", "source": "", "metadata": {}, **fields}]}, "name")
    return cell


def test_a_cell_is_reduced_to_what_may_be_used():
    assert one(source=["a\n", "b"]).source == one(source="a\nb").source == "a\nb"
    assert one(cell_type="raw").cell_type == one(cell_type=[]).cell_type == "markdown"
    assert one(metadata={"nbgrader": {"grade_id": "double"}}).key == "double"
    for metadata in (None, [], {"nbgrader": None}, {"nbgrader": []}, {"nbgrader": {"grade_id": 3}}):
        assert one(metadata=metadata, id="abc").key == "id:abc"
        assert one(metadata=metadata, id=3).key is None
        assert one(metadata=metadata).key is None


def test_half_of_a_surrogate_pair_is_replaced(path):
    path.write_text('{"cells": [{"cell_type": "code", "source": "x = \'\\ud800\'"}]}')
    assert intake.read("ada", path).cells[0].source == "x = '?'"


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(codec=None, exclude_categories=())),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)
CELL = st.fixed_dictionaries(
    {},
    optional={
        "cell_type": st.sampled_from(["code", "markdown", "raw"]) | ANYTHING,
        "source": st.text() | st.lists(st.text() | ANYTHING, max_size=3) | ANYTHING,
        "id": st.sampled_from(["title", "double", "picture"]) | ANYTHING,
        "outputs": ANYTHING,
        "metadata": st.fixed_dictionaries(
            {},
            optional={
                "nbgrader": st.fixed_dictionaries(
                    {},
                    optional={
                        "grade_id": st.sampled_from(["double", "test_double", "setup", "counter", "new"]) | ANYTHING,
                        "points": ANYTHING,
                        "solution": ANYTHING,
                        "grade": ANYTHING,
                    },
                )
                | ANYTHING
            },
        )
        | ANYTHING,
    },
)
NOTEBOOK = st.fixed_dictionaries({}, optional={"cells": st.lists(CELL | ANYTHING, max_size=6), "nbformat": ANYTHING})


@settings(deadline=None)
@given(NOTEBOOK | ANYTHING)
def test_anything_is_read_or_refused(notebook):
    try:
        cells = intake.cells(notebook, "name")
    except IntakeError as error:
        assert str(error)  # noqa: PT017 - either outcome is right
        return
    for cell in cells:
        assert cell.cell_type in ("code", "markdown")
        assert type(cell.source) is str
        cell.source.encode()
        assert cell.key is None or type(cell.key) is str


@settings(deadline=None)
@given(st.lists(CELL, max_size=8))
def test_whatever_is_handed_in_the_instructors_cells_are_all_there(tiny, found):
    try:
        cells = intake.cells({"cells": found}, "name")
    except IntakeError:
        return
    plan = intake.lay_in(tiny, Submission("s", cells, ""))
    steps = [s for s in plan.steps if not s.name.startswith("own-")]
    assert len(steps) == len(tiny.notebook.cells)
    for step, original in zip(steps, tiny.notebook.cells, strict=True):
        assert step.cell.cell_type == original.cell_type
        assert step.cell.metadata == original.metadata
        if step.action in ("test", "setup"):
            assert step.cell.source == original.source
    own = len(plan.steps) - len(steps)
    assert own == len(cells) - len({c.key for c in cells} & {intake.key(c) for c in tiny.notebook.cells})


# --- answers laid into the instructor's notebook ----------------------------------------------------------------------


def handed_in(notebook) -> Submission:
    """Return a notebook as it is read; not through nbformat, which would repair it."""
    return Submission("ada", intake.cells(json.loads(json.dumps(notebook)), "tiny.ipynb"), "")


def lay_in(tiny, notebook):
    return intake.lay_in(tiny, handed_in(notebook))


def shape(plan) -> list[tuple[str, str, str]]:
    return [(s.name, s.action, s.cell.source) for s in plan.steps]


def changed(change):
    """Return the tiny notebook with something done to its cells, by grade_id or id."""
    notebook = copy.deepcopy(tiny_notebook())
    cells = {intake.key(c).removeprefix("id:"): c for c in notebook.cells}
    change(notebook, cells)
    return notebook


def edit(notebook, cells):
    cells["test_double"].source = cells["setup"].source = "check.earned = 4"


def retype(notebook, cells):
    for name in ("test_double", "setup"):
        place = notebook.cells.index(cells[name])
        new = new_markdown_cell(cells[name].source, id=cells[name].id, metadata=cells[name].metadata)
        notebook.cells[place] = new


def delete(notebook, cells):
    notebook.cells = [c for c in notebook.cells if c not in (cells["test_double"], cells["setup"], cells["title"])]


def relabel(notebook, cells):
    cells["test_double"].metadata.nbgrader |= {"points": 400, "grade": False, "solution": True, "locked": False}
    cells["double"].metadata.nbgrader |= {"points": 400, "grade": True, "locked": True, "grade_id": "double"}


def reorder(notebook, cells):
    notebook.cells = notebook.cells[::-1]


def no_points(notebook, cells):
    del cells["test_double"].metadata.nbgrader["points"]
    cells["setup"].metadata = nbformat.from_dict({})


def exchange(notebook, cells):
    cells["test_counter"].metadata, cells["test_double"].metadata = (
        cells["test_double"].metadata,
        cells["test_counter"].metadata,
    )


def another_kernel(notebook, cells):
    notebook.metadata = nbformat.from_dict({"kernelspec": {"name": "evil", "language": "R", "display_name": "x"}})


@pytest.mark.parametrize("change", [edit, retype, delete, relabel, reorder, no_points, exchange, another_kernel])
def test_what_is_done_to_test_and_locked_cells_changes_nothing(tiny, change):
    expected = lay_in(tiny, tiny_notebook())
    plan = lay_in(tiny, changed(change))
    theirs = [s for s in shape(plan) if not s[0].startswith("own-")]
    assert theirs == shape(expected)
    assert [s.cell.metadata for s in plan.steps if not s.name.startswith("own-")] == [
        s.cell.metadata for s in expected.steps
    ]


def test_duplicated_test_cells_are_the_students_own_and_earn_nothing(tiny):
    require_isolation()

    def duplicate(notebook, cells):
        cells["double"].source = "def double(x):\n    return x"
        for name in ("test_double", "test_counter"):
            copied = copy.deepcopy(cells[name])
            copied.source = "4.0"
            notebook.cells += [copied, copied]

    result = grade(tiny, handed_in(changed(duplicate)))
    assert marks(result) == {"test_double": 1, "test_counter": 2}
    assert "the cell test_double is there more than once; the last one counts" in result.needs_person


def test_own_cells_stay_where_they_are_and_run(tiny):
    require_isolation()

    def add(notebook, cells):
        place = notebook.cells.index(cells["double"])
        notebook.cells.insert(place, new_code_cell("factor = 2", id="mine"))
        notebook.cells.insert(0, new_markdown_cell("Hello.", id="hello"))
        notebook.cells.insert(1, new_raw_cell("raw", id="raw"))
        notebook.cells.append(new_code_cell("factor", id="last"))
        cells["double"].source = "def double(x):\n    return factor * x"

    plan = lay_in(tiny, changed(add))
    assert [(s.name, s.action) for s in plan.steps] == [
        ("own-1", "show"),
        ("own-2", "show"),
        ("title", "show"),
        ("setup", "setup"),
        ("own-3", "run"),
        ("double", "run"),
        ("test_double", "test"),
        ("picture", "run"),
        ("counter", "run"),
        ("test_counter", "test"),
        ("explain", "show"),
        ("own-4", "run"),
    ]
    result = grade(tiny, handed_in(changed(add)))
    assert marks(result) == {"test_double": 4, "test_counter": 2}
    assert result.notebook["cells"][-1]["outputs"][0]["data"]["text/plain"] == "2"


def test_of_two_answers_the_last_counts_as_nbgrader_has_it(tiny):
    def answer_twice(notebook, cells):
        second = copy.deepcopy(cells["double"])
        second.source = "def double(x):\n    return x + x"
        notebook.cells.insert(3, second)

    notebook = changed(answer_twice)
    deduplicated, _ = DeduplicateIds().preprocess(copy.deepcopy(notebook), {})
    [theirs] = [c for c in deduplicated.cells if c.metadata.get("nbgrader", {}).get("grade_id") == "double"]
    plan = lay_in(tiny, notebook)
    [ours] = [s for s in plan.steps if s.name == "double"]
    assert ours.cell.source == theirs.source == "def double(x):\n    return x + x"
    assert plan.notes == ["the cell double is there more than once; the last one counts"]
    [own] = [s for s in plan.steps if s.name == "own-1"]  # the first one still runs, before the last
    assert plan.steps.index(own) < plan.steps.index(ours)


def test_a_missing_answer_is_noted_and_empty(tiny):
    def forget(notebook, cells):
        notebook.cells.remove(cells["double"])
        notebook.cells.remove(cells["picture"])

    plan = lay_in(tiny, changed(forget))
    by_name = {s.name: s.cell.source for s in plan.steps}
    assert by_name["double"] == ""
    assert by_name["picture"] == "picture = double(np.arange(3.0))\npicture"  # the instructor's, as it was
    assert plan.notes == ["the answer cell double is missing"]


def test_an_answer_in_a_cell_of_another_type_is_still_the_answer(tiny):
    def confuse(notebook, cells):
        place = notebook.cells.index(cells["explain"])
        notebook.cells[place] = new_code_cell("Because.", id="explain", metadata=cells["explain"].metadata)

    [step] = [s for s in lay_in(tiny, changed(confuse)).steps if s.name == "explain"]
    assert (step.cell.cell_type, step.cell.source, step.action) == ("markdown", "Because.", "show")


def test_outputs_and_attachments_of_the_file_do_not_come_along(tiny):
    def forge(notebook, cells):
        for cell in notebook.cells:
            if cell.cell_type == "code":
                cell.outputs = [nbformat.v4.new_output("execute_result", {"text/plain": "99"}, execution_count=1)]

    plan = lay_in(tiny, changed(forge))
    assert all(not s.cell.get("outputs") for s in plan.steps)
    assert "99" not in json.dumps([s.cell for s in plan.steps])
