"""Grades submissions to the problem sets; the student's code and the tests never share a process.

Read in this order: `intake` (untrusted file to answers), `sandbox` and `runner` (the student's process, from outside
and from inside), `wire` (what crosses between them), `student` (proxies for what lives there), `grade` (one submission
to one result), `gradebook` (results to nbgrader's database).
"""
