"""Does one thing after the other.

answers: pipeline_seconds
fails: test_pipeline_seconds
hint: nothing-overlaps
"""
def pipeline_seconds(copy_in, compute, copy_out):
    return sum(copy_in) + sum(compute) + sum(copy_out)
