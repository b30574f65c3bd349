"""Takes every number for a float64.

answers: bytes_moved
fails: test_bytes_moved
hint: itemsize-assumed
"""
def bytes_moved(steps, itemsizes, n):
    apart = 0
    outside, made = set(), set()
    for _, inputs, output in steps:
        names = {i for i in inputs if isinstance(i, str)}
        apart += 8 * len(names) + 8
        outside |= names - made
        made.add(output)
    fused = 8 * len(outside) + 8
    return n * apart, n * fused
