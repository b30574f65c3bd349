"""The commands.

What a command alone needs is imported where it runs: nbgrader takes seconds to load.
"""

from __future__ import annotations

import argparse
import os
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from functools import partial
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from grading import GradingError, executor, intake, late
from grading import assignment as assignments
from grading.results import Result

DONE, NEEDS_PERSON, FAILED = 0, 1, 2
EXPORTS = ("canvas", "csv", "moodle")
MOST_ROWS = 50  # of students; a table of a larger class is not read in a terminal

console = Console()


def main(arguments: list[str] | None = None) -> int:
    """Run one command; return the exit status: 0 done, 1 a person is needed, 2 usage or infrastructure."""
    options = _parser().parse_args(arguments)
    try:
        return int(options.run(options))
    except GradingError as error:
        print(f"error: {error}", file=sys.stderr)
    except KeyboardInterrupt:
        print("stopped; what was graded is kept, and the same command goes on from there", file=sys.stderr)
    return FAILED


def run_doctor(options: argparse.Namespace) -> int:
    """Print what isolation this machine offers, and which limits are in force."""
    from grading import doctor

    findings = doctor.examine()
    table = Table("", "What", "How it is here", "By what means", title="Isolation of student code")
    for finding in findings:
        mark = "[green]yes[/]" if finding.holds else "[red]no[/]" if finding.required else "[yellow]no[/]"
        table.add_row(mark, finding.what, Text(finding.detail), Text(finding.means if finding.holds else ""))
    console.print(table)
    return DONE if all(f.holds for f in findings if f.required) else FAILED


def run_check(options: argparse.Namespace) -> int:
    """Grade what is known of each problem set and print what is not as it should be."""
    from grading import rehearsal

    _warn(options)
    status = DONE
    for name in options.names or assignments.names(options.solutions):
        assignment = assignments.load(name, options.solutions)
        try:
            assignment.check_requirements()
        except assignments.MissingPackages as error:
            if name in options.names:
                raise
            console.print(f"[yellow]skipped: {error}[/]", highlight=False)
            continue
        corpus = rehearsal.wrong_answers(options.wrong_answers / name)
        with closing(_pool(options, assignment)) as pool, _progress() as progress:
            bar = progress.add_task(name, total=None)
            found = rehearsal.check(assignment, corpus, pool, partial(progress.update, bar))
        points = sum(assignment.tests().values())
        if found:
            status = NEEDS_PERSON
            console.print(f"[red]{name}: {len(found)} findings[/]")
            for line in found:
                console.print(f"  {line}", markup=False, highlight=False)
        else:
            console.print(
                f"[green]{name}: solution {points:g}/{points:g} auto points, stub 0, "
                f"{len(corpus)} wrong answers caught, every hint right[/]"
            )
    return status


def run_simulate(options: argparse.Namespace) -> int:
    """Write the submissions of a simulated class."""
    from grading import rehearsal

    assignment = assignments.load(options.name, options.solutions)
    corpus = rehearsal.wrong_answers(options.wrong_answers / options.name)
    kinds = rehearsal.simulate(assignment, corpus, options.students, options.seed, options.out)
    console.print(f"{len(kinds)} submissions in {options.out / 'submitted'}; who is what: {options.out / 'class.json'}")
    return DONE


def run_grade(options: argparse.Namespace) -> int:
    """Grade a class into nbgrader's gradebook, beside the folder of submissions."""
    _warn(options)
    assignment = assignments.load(options.name, options.solutions)
    assignment.check_requirements()
    submitted, paths = _submissions(options.submitted, options.name)
    refused = {student: reason for student in paths if (reason := intake.bad_name(student))}
    paths = {student: path for student, path in paths.items() if student not in refused}
    course = submitted.resolve().parent
    lateness = _lateness(options, course, list(paths))
    results: list[Result] = []
    with closing(_pool(options, assignment)) as pool:
        with ThreadPoolExecutor(1) as meanwhile:
            started = meanwhile.submit(executor.grade_class, assignment, paths, course / "results", pool)
            from grading import gradebook
        with (
            closing(started.result()) as graded,
            gradebook.Writer(assignment, course, options.db) as writer,
            _progress() as progress,
        ):
            bar = progress.add_task(options.name, total=len(paths))
            for result in graded:
                writer.write(result)
                results.append(replace(result, notebook=None))  # a class's notebooks may be more than memory holds
                progress.advance(bar)
    results.sort(key=lambda r: r.student)
    _print_marks(assignment, results)
    unsettled = {ascii(student)[1:-1]: [reason] for student, reason in refused.items()}
    unsettled |= {r.student: list(r.needs_person) for r in results if r.needs_person}
    if lateness is not None:
        url = gradebook.default_database(course) if options.db is None else options.db
        penalties = gradebook.write_lateness(options.name, lateness, url)
        for student, points in sorted(penalties.items()):
            console.print(f"{student}: {points:g} points off for lateness", markup=False, highlight=False)
        for student, reason in lateness.needs_person.items():
            unsettled.setdefault(student, []).append(reason)
    for student, reasons in sorted(unsettled.items()):
        console.print(f"{student}: {'; '.join(reasons)}", markup=False, highlight=False)
    console.print(
        f"{len(results)} graded into {course / 'gradebook.db' if options.db is None else 'the database'}; "
        f"{len(unsettled)} need a person"
        + (f"; {count} were graded without isolation" if (count := sum(not r.isolated for r in results)) else "")
    )
    return NEEDS_PERSON if unsettled else DONE


def _warn(options: argparse.Namespace) -> None:
    """Say what it means to grade without isolation, where that was asked for.

    Raises
    ------
    GradingError
        It was asked of a scheduler's workers.
    """
    if options.no_isolation:
        if options.scheduler is not None:
            raise GradingError("--no-isolation is for this machine's own workers: leave out --scheduler")
        print(
            "warning: without isolation, student code can read and change your files, use the network and end your "
            "processes. Use a container or an account that holds nothing else of value.",
            file=sys.stderr,
        )


def _pool(options: argparse.Namespace, assignment: assignments.Assignment) -> executor.Pool:
    if options.scheduler is not None:
        return executor.Scheduled(options.scheduler, assignment.imports, assignment.trusted_imports)
    isolated = not options.no_isolation
    return executor.Local(options.workers, assignment.imports, assignment.trusted_imports, isolated=isolated)


def _lateness(options: argparse.Namespace, course: Path, students: list[str]) -> late.Lateness | None:
    """Return how late a class is; None where the course has no policy, or no due time for the problem set.

    Raises
    ------
    late.LateError
        There is a due time and nobody says when submissions came in, or the reverse.
    """
    path = options.late or course / "late.toml"
    asked = options.late is not None or options.received is not None
    if not asked and not path.exists():
        return None
    policy = late.load_policy(path, options.name)
    if policy is None:
        if asked:
            raise late.LateError(f"{path} has no due time for {options.name}: add one to its [due]")
        console.print(f"{path} has no due time for {options.name}, so nobody is late", markup=False)
        return None
    if options.received is None:
        raise late.LateError(
            f"{path} has a due time for {options.name}: say with --received FILE.csv when each submission came in"
        )
    found = late.assess(policy, late.load_received(options.received), students)
    for student in found.no_submission:
        console.print(f"{student}: has an extension, and no submission", markup=False, highlight=False)
    return found


def _existing_database(options: argparse.Namespace) -> str:
    """Return the URL of the gradebook to read; opening one that is not there would make it.

    Raises
    ------
    gradebook.NbGraderError
        The course's folder has none.
    """
    from grading import gradebook

    if options.db is None and not (options.course / "gradebook.db").is_file():
        folder = options.course.resolve()
        raise gradebook.NbGraderError(
            f"there is no gradebook.db in {folder}: name the course's folder with --course, or grade first"
        )
    return gradebook.default_database(options.course) if options.db is None else str(options.db)


def _submissions(submitted: Path, name: str) -> tuple[Path, dict[str, Path]]:
    """Return the folder of submissions, and where each student's notebook should be; an archive is unpacked beside it.

    Raises
    ------
    intake.IntakeError
        There are none.
    """
    if submitted.is_file():
        folder = submitted.parent / submitted.name.partition(".")[0] / "submitted"
        students = intake.unpack(submitted, name, folder)
        paths = {student: folder / student / name / f"{name}.ipynb" for student in students}
        if not paths:
            raise intake.IntakeError(f"{submitted} has no <student>/{name}/{name}.ipynb")
        console.print(f"{submitted}: {len(paths)} submissions, now in {folder}")
        return folder, paths
    if not submitted.is_dir():
        raise intake.IntakeError(f"there is no folder {submitted}")
    paths = intake.find(submitted, name)
    if not paths:
        raise intake.IntakeError(f"no folder {submitted}/<student>/{name}")
    return submitted, paths


def run_feedback(options: argparse.Namespace) -> int:
    """Write the students' feedback pages."""
    from grading import feedback

    assignment = assignments.load(options.name, options.solutions)
    database = _existing_database(options)
    with _progress() as progress:
        bar = progress.add_task(options.name, total=None)
        pages = feedback.write(assignment, options.course, database, partial(progress.update, bar))
    console.print(f"{len(pages)} pages in {options.course / 'feedback'}")
    return DONE


def run_export(options: argparse.Namespace) -> int:
    """Write the class's marks for another system."""
    from grading import export, gradebook

    database = _existing_database(options)
    chosen = [assignments.load(name, options.solutions) for name in options.names]
    if not chosen:
        known = gradebook.known_assignments(database)
        chosen = [assignments.load(n, options.solutions) for n in assignments.names(options.solutions) if n in known]
    standings = {a.name: gradebook.standings(a, database) for a in chosen}
    rows = export.FORMATS[options.format](standings)
    export.write(rows, options.out)
    console.print(f"{options.out}: {len({s for class_ in standings.values() for s in class_})} students")
    waiting = sum(s.unmarked > 0 for class_ in standings.values() for s in class_.values())
    if waiting:
        console.print(f"{waiting} submissions have answers that nobody has marked yet; these count as 0")
    return DONE


def run_report(options: argparse.Namespace) -> int:
    """Write what the class did not understand."""
    from grading import gradebook, report

    assignment = assignments.load(options.name, options.solutions)
    standings = gradebook.standings(assignment, _existing_database(options))
    _, paths = _submissions(options.course / "submitted", options.name)
    results = executor.kept_results(assignment, paths, options.course / "results")
    page = report.write(report.analyse(assignment, standings, results), options.out)
    console.print(f"{page}, and three CSV files beside it")
    if stale := sorted(set(paths) - set(results)):
        some = ", ".join(stale[:5]) + (" …" if len(stale) > 5 else "")
        console.print(f"{len(stale)} submissions have changed since they were graded, or the tests have: {some}")
        return NEEDS_PERSON
    return DONE


def run_similarity(options: argparse.Namespace) -> int:
    """Write which submissions are alike."""
    from grading import similarity

    assignment = assignments.load(options.name, options.solutions)
    _, paths = _submissions(options.submitted, options.name)
    with _progress() as progress:
        bar = progress.add_task(options.name, total=None)
        pairs, skipped = similarity.compare(assignment, paths, options.least, partial(progress.update, bar))
    similarity.write(assignment, pairs, skipped, len(paths) - len(skipped), options.least, options.out)
    console.print(f"{len(pairs)} pairs at least {options.least:.0%} alike: {options.out}")
    return DONE


def run_release(options: argparse.Namespace) -> int:
    """Generate the learners' notebooks from the instructor's, all but those in which somebody has answered."""
    from grading import gradebook

    status = DONE
    for name in options.names or assignments.names(options.solutions):
        try:
            console.print(str(gradebook.release(assignments.load(name, options.solutions), options.out)))
        except gradebook.WouldBeLost as error:
            print(f"error: {error}", file=sys.stderr)
            status = FAILED
    return status


def _print_marks(assignment: assignments.Assignment, results: list[Result]) -> None:
    """Print what each student has, of a large class what each task gave."""
    tests = assignment.tests()
    if len(results) > MOST_ROWS:
        table = Table("Task", "Points", "Mean", "Full", "None", title=f"{assignment.name}: automatic marks")
        for number, (name, most) in enumerate(tests.items()):
            points = [result.marks[number].points for result in results]
            full, none = points.count(most), points.count(0.0)
            table.add_row(name, f"{most:g}", f"{sum(points) / len(points):.2f}", str(full), str(none))
        total = sum(result.points for result in results) / len(results)
        table.add_row("Sum", f"{sum(tests.values()):g}", f"{total:.2f}", "", "")
    else:
        numbers = [str(n + 1) for n in range(len(tests))]
        table = Table("Student", *numbers, "Sum", title=f"{assignment.name}: automatic marks")
        table.add_row("[dim]of[/]", *(f"[dim]{p:g}[/]" for p in tests.values()), f"[dim]{sum(tests.values()):g}[/]")
        for result in results:
            table.add_row(result.student, *(f"{m.points:g}" for m in result.marks), f"{result.points:g}")
    table.columns[0].no_wrap = True
    for column in table.columns[1:]:
        column.justify = "right"
    console.print(table)
    if len(results) > MOST_ROWS:
        console.print("Marks by student: python -m grading export, or report.", style="dim", highlight=False)
    else:
        console.print(", ".join(f"{n + 1} {name}" for n, name in enumerate(tests)), style="dim", highlight=False)


def _progress() -> Progress:
    return Progress(
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), console=console
    )


def _share(text: str) -> float:
    value = float(text)
    if not 0 < value <= 1:
        raise argparse.ArgumentTypeError(f"{text} is not above 0 and at most 1")
    return value


def _count(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"{text} is not at least 1")
    return value


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m grading", description="Grade submissions to the problem sets.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def add(name: str, run: object, text: str) -> argparse.ArgumentParser:
        command = commands.add_parser(name, help=text, description=text)
        command.set_defaults(run=run)
        command.add_argument("--solutions", type=Path, default=Path("solutions"), help="the instructor's notebooks")
        return command

    def add_workers(command: argparse._ActionsContainer) -> None:
        command.add_argument("--workers", type=_count, default=os.cpu_count() or 1, help="submissions graded at a time")

    def add_isolation(command: argparse.ArgumentParser) -> None:
        command.add_argument(
            "--no-isolation",
            action="store_true",
            help="run student code unconfined, where bubblewrap or user namespaces are missing; the results say so",
        )

    def add_corpus(command: argparse.ArgumentParser) -> None:
        corpus = Path("tests/exercises/wrong_answers")
        command.add_argument("--wrong-answers", type=Path, default=corpus, help="folder of wrong answers")

    add("doctor", run_doctor, "what isolation this machine offers")

    command = add("check", run_check, "solution = full, stub = 0, every wrong answer caught, hints right")
    command.add_argument("names", nargs="*", metavar="PS", help="problem sets; all without one")
    command.set_defaults(scheduler=None)
    add_corpus(command)
    add_workers(command)
    add_isolation(command)

    command = add("simulate", run_simulate, "write the submissions of a simulated class")
    command.add_argument("name", metavar="PS")
    command.add_argument("--students", type=int, default=30)
    command.add_argument("--seed", type=int, default=0)
    command.add_argument("--out", type=Path, required=True, help="folder that gets submitted/")
    add_corpus(command)

    command = add("grade", run_grade, "grade a class; results go beside the folder of submissions")
    command.add_argument("name", metavar="PS")
    command.add_argument(
        "--submitted",
        type=Path,
        required=True,
        help="folder of <student>/<assignment>/<notebook>.ipynb, or a zip or tar archive of one",
    )
    command.add_argument(
        "--db",
        help="URL of the gradebook, as the guide writes it; gradebook.db beside the submissions without it",
    )
    command.add_argument(
        "--received",
        type=Path,
        metavar="FILE",
        help="CSV file with the columns student and time: when each submission came in, with the zone",
    )
    command.add_argument(
        "--late",
        type=Path,
        metavar="FILE",
        help="due times, extensions, cost of lateness; late.toml beside the submissions, if it is there, without it",
    )
    who = command.add_mutually_exclusive_group()
    add_workers(who)
    who.add_argument("--scheduler", metavar="ADDRESS", help="let the workers of this dask.distributed scheduler grade")
    add_isolation(command)

    command = add("feedback", run_feedback, "write the students' feedback pages")
    command.add_argument("name", metavar="PS")
    command.add_argument("--course", type=Path, default=Path(), help="folder that holds autograded/")
    command.add_argument("--db", help="URL of the gradebook")

    command = add("export", run_export, "write the class's marks for a spreadsheet, Canvas or Moodle")
    command.add_argument("names", nargs="*", metavar="PS", help="problem sets; all that were graded without one")
    command.add_argument("--format", choices=EXPORTS, default="csv")
    command.add_argument("--out", type=Path, required=True, help="the file")
    command.add_argument("--course", type=Path, default=Path(), help="folder that holds gradebook.db")
    command.add_argument("--db", help="URL of the gradebook")

    command = add("report", run_report, "write what the class did not understand")
    command.add_argument("name", metavar="PS")
    command.add_argument("--out", type=Path, required=True, help="folder that gets report.html and its CSV files")
    command.add_argument("--course", type=Path, default=Path(), help="folder that holds submitted/ and results/")
    command.add_argument("--db", help="URL of the gradebook")

    command = add("similarity", run_similarity, "write which submissions are alike")
    command.add_argument("name", metavar="PS")
    command.add_argument("--submitted", type=Path, required=True, help="<student>/<assignment>/<notebook>.ipynb")
    command.add_argument("--out", type=Path, required=True, help="the page")
    command.add_argument("--least", type=_share, default=0.6, help="how much alike, from 0 to 1, to be listed")

    command = add("release", run_release, "generate the learners' notebooks from the instructor's")
    command.add_argument("names", nargs="*", metavar="PS", help="problem sets; all without one")
    command.add_argument("--out", type=Path, default=Path("exercises"))
    return parser
