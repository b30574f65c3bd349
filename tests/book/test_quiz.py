"""Each chapter's questions: choices that differ, one right answer, and for every other one what is behind it."""

import re
from pathlib import Path
from typing import NamedTuple

import nbformat
import pytest

from course_lib.checks import misconceptions

CHAPTERS = sorted((Path(__file__).resolve().parents[2] / "book").glob("[0-9][0-9]_*.ipynb"))
BY_NAME = {"argvalues": CHAPTERS, "ids": [path.stem for path in CHAPTERS]}

HEADING = "## Check yourself"
QUESTION = re.compile(r"\*\*(\d+)\. (.+)\*\*")
CHOICE = re.compile(r"^:::\{dropdown\} (.+)\n((?:(?!:::).*\n)+):::$", re.MULTILINE)
BEHIND_IT = re.compile(r"^\*Misconception:\* ([^(`]+?)(?: \(`([^`]+)`\))?\. See (.+)\.$", re.MULTILINE)
PLACE = re.compile(r"\[[^\]]+\]\(#[^)]+\)|(?:\{numref\}|equation \{eq\})`[^`]+`")


class Choice(NamedTuple):
    title: str
    right: bool
    reason: str
    misconception: tuple[str, str, str] | None  # in words, its id or "", where the chapter looks at it


class Question(NamedTuple):
    number: int
    text: str
    choices: list[Choice]


def quiz(path):
    """The questions of a chapter; everything in its quiz that is no question, verdict or reason is an error."""
    sources = [cell.source for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "markdown"]
    assert sum(source.startswith(HEADING) for source in sources) == 1, "one quiz a chapter, in cells of its own"
    assert not [source for source in sources if re.search(r"^#+ Quiz$", source, re.MULTILINE)]
    start = next(i for i, source in enumerate(sources) if source.startswith(HEADING))
    questions = []
    for source in sources[start + 1 :]:
        asked = QUESTION.match(source)
        if not asked:
            break
        choices = []
        for title, body in CHOICE.findall(source):
            verdict, reason = re.fullmatch(r"\*\*(Right|Not quite)\.\*\* (.+)\n", body, re.DOTALL).groups()
            behind = BEHIND_IT.search(reason)
            reason = BEHIND_IT.sub("", reason).strip()
            choices.append(Choice(title, verdict == "Right", reason, behind.groups(default="") if behind else None))
        assert not CHOICE.sub("", source[asked.end() :]).strip(), f"question {asked.group(1)}: text beside the choices"
        questions.append(Question(int(asked.group(1)), asked.group(2), choices))
    return questions


def bare(text):
    return re.sub(r"\W+", " ", text).strip().lower()


@pytest.mark.parametrize("path", **BY_NAME)
def test_three_to_six_questions_each_with_one_right_choice_among_three_or_more(path):
    questions = quiz(path)
    assert 3 <= len(questions) <= 6
    assert [question.number for question in questions] == list(range(1, len(questions) + 1))
    for question in questions:
        assert len(question.choices) >= 3, question.text
        assert sum(choice.right for choice in question.choices) == 1, question.text
        titles = [choice.title for choice in question.choices]
        assert len(set(titles)) == len(titles), question.text
        assert not [title for title in titles if re.search(r"\b(all|none|both) of (the above|these)\b", title, re.I)]


@pytest.mark.parametrize("path", **BY_NAME)
def test_every_choice_says_why_and_every_wrong_one_what_is_behind_it_and_where_to_look(path):
    for question in quiz(path):
        for choice in question.choices:
            about = f"{question.number}, {choice.title}"
            assert len(choice.reason.split()) >= (15 if choice.right else 20), about
            assert (choice.misconception is None) == choice.right, about
            if choice.misconception:
                words, name, place = choice.misconception
                assert len(words.split()) >= 3, about
                assert not name or name in misconceptions(), f"{about}: no misconception is called {name}"
                assert PLACE.fullmatch(place), f"{about}: {place}"


@pytest.mark.parametrize("path", **BY_NAME)
def test_neither_place_nor_length_gives_the_right_choice_away(path):
    questions = quiz(path)
    places = [[choice.right for choice in question.choices].index(True) for question in questions]
    assert len(set(places)) >= min(3, len(questions)), places
    longest = [max(q.choices, key=lambda choice: len(choice.title)).right for q in questions]
    assert sum(longest) <= len(questions) / 2, f"the right choice is the longest in {sum(longest)} questions"


def test_no_two_questions_and_no_two_reasons_are_alike():
    questions = [question for path in CHAPTERS for question in quiz(path)]
    asked = [bare(question.text) for question in questions]
    assert len(set(asked)) == len(asked)
    reasons = [bare(choice.reason) for question in questions for choice in question.choices]
    assert len(set(reasons)) == len(reasons)
