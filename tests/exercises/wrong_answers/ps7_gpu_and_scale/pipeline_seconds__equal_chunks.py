"""Takes every chunk for the first one.

answers: pipeline_seconds
fails: test_pipeline_seconds
hint: chunks-taken-for-equal
"""
def pipeline_seconds(copy_in, compute, copy_out):
    first = copy_in[0] + compute[0] + copy_out[0]
    return first + (len(compute) - 1) * max(copy_in[0], compute[0], copy_out[0])
