"""nbgrader's settings: where things are, that submissions run in a sandbox, and that no page runs what they say."""

from pathlib import Path

from grading import safe_html
from grading.feedback import SETTINGS
from grading.gradebook import AUTOGRADE_PREPROCESSORS, IGNORED

c = get_config()  # noqa: F821  (traitlets puts it there)

here = Path(__file__).resolve().parent

c.CourseDirectory.course_id = "sigmoid_course"
# Absolute, so that `nbgrader --course-dir=demo-class` finds them too.
c.CourseDirectory.source_directory = str(here / "solutions")
c.CourseDirectory.release_directory = str(here / "exercises")
c.CourseDirectory.ignore = IGNORED

c.Autograde.autograde_preprocessors = AUTOGRADE_PREPROCESSORS
c.GenerateFeedback.update(SETTINGS)
c.HTMLExporter.update(safe_html.FORMGRADER)
