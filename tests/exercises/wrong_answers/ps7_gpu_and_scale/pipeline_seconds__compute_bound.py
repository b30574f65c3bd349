"""Takes the computing for the longest.

answers: pipeline_seconds
fails: test_pipeline_seconds
hint: busiest-engine-assumed
"""
def pipeline_seconds(copy_in, compute, copy_out):
    return copy_in[0] + sum(compute) + copy_out[-1]
