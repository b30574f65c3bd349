"""Grades submissions to the problem sets; the student's code and the tests never share a process.

Read in this order: `intake` (untrusted file to answers), `sandbox` and `runner` (the student's process, from outside
and from inside), `wire` (what crosses between them), `student` (proxies for what lives there), `grade` (one submission
to one result), `results` (what is kept of it), `executor` (a class, on many processes or machines), `gradebook`
(results to nbgrader's database).
"""

import sys

# jsonschema, which nbformat loads, builds a grammar of international addresses where this package is installed: that
# takes a second at every start, and no notebook's format has such an address.
sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]


class GradingError(Exception):
    """What a user can mend; the message says what was wrong, where, and what to do."""
