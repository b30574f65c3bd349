"""Lets every chunk wait for the slowest part.

answers: pipeline_seconds
fails: test_pipeline_seconds
hint: in-lockstep
"""
def pipeline_seconds(copy_in, compute, copy_out):
    return sum(max(parts) for parts in zip(copy_in, compute, copy_out))
