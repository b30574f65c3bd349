"""Counts what is left at the end.

answers: peak_bytes
fails: test_peak_bytes
hint: peak-after-the-call
"""
def peak_bytes(steps, itemsizes, n):
    return n * itemsizes[steps[-1][2]]
