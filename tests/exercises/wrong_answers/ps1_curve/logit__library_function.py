"""Imports the library's answer under the task's own name.

answers: logit
fails: test_logit
hint: library-function
"""
from scipy.special import logit as library_logit

logit = library_logit
