"""Counts an array that is read and written once.

answers: bytes_moved
fails: test_bytes_moved
hint: in-place-counted-once
"""
def bytes_moved(steps, itemsizes, n):
    apart = 0
    outside, made = set(), set()
    for _, inputs, output in steps:
        names = {i for i in inputs if isinstance(i, str)}
        apart += sum(itemsizes[a] for a in names | {output})
        outside |= names - made
        made.add(output)
    fused = sum(itemsizes[a] for a in outside) + itemsizes[steps[-1][2]]
    return n * apart, n * fused
