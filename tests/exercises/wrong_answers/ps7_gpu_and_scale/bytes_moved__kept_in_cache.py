"""Counts every array once, as if it stayed in the cache.

answers: bytes_moved
fails: test_bytes_moved
hint: each-array-once
"""
def bytes_moved(steps, itemsizes, n):
    apart = 0
    outside, made, seen = set(), set(), set()
    for _, inputs, output in steps:
        names = {i for i in inputs if isinstance(i, str)}
        apart += sum(itemsizes[a] for a in (names | {output}) - seen)
        outside |= names - made
        seen |= names | {output}
        made.add(output)
    fused = sum(itemsizes[a] for a in outside) + itemsizes[steps[-1][2]]
    return n * apart, n * fused
