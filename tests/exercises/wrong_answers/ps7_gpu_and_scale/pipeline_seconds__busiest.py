"""Takes the busiest engine for the whole.

answers: pipeline_seconds
fails: test_pipeline_seconds
hint: ends-left-out
"""
def pipeline_seconds(copy_in, compute, copy_out):
    return max(sum(copy_in), sum(compute), sum(copy_out))
