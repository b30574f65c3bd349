"""Begins to compute when everything is there.

answers: pipeline_seconds
fails: test_pipeline_seconds
hint: all-copied-first
"""
def pipeline_seconds(copy_in, compute, copy_out):
    computed = sum(copy_in)
    copied = 0
    for work, out in zip(compute, copy_out):
        computed += work
        copied = max(copied, computed) + out
    return copied
