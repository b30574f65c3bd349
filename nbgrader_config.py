"""nbgrader's settings: where things are, that submissions run in a sandbox, and that no page runs what they say."""

from pathlib import Path

try:
    from grading import safe_html
    from grading.feedback import SETTINGS
    from grading.gradebook import AUTOGRADE_PREPROCESSORS, COURSE_ID, IGNORED
except Exception as error:
    # nbgrader would go on without these settings, and run students' code as it stands.
    raise SystemExit(f"{__file__} cannot be used ({error}): run nbgrader from the course's environment") from error

c = get_config()  # noqa: F821  (traitlets puts it there)

here = Path(__file__).resolve().parent

c.CourseDirectory.course_id = COURSE_ID
# Absolute, so that `nbgrader --course-dir=demo-class` finds them too.
c.CourseDirectory.source_directory = str(here / "solutions")
c.CourseDirectory.release_directory = str(here / "exercises")
c.CourseDirectory.ignore = IGNORED

c.Autograde.autograde_preprocessors = AUTOGRADE_PREPROCESSORS
c.GenerateFeedback.update(SETTINGS)
c.HTMLExporter.update(safe_html.FORMGRADER)
