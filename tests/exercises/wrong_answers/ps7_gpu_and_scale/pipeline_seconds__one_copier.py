"""Copies in one direction at a time.

answers: pipeline_seconds
fails: test_pipeline_seconds
hint: one-engine-for-both-ways
"""
def pipeline_seconds(copy_in, compute, copy_out):
    computed = 0
    arrived = 0
    for into, work, out in zip(copy_in, compute, copy_out):
        arrived += into
        computed = max(arrived, computed) + work
    return max(computed, arrived) + sum(copy_out)
