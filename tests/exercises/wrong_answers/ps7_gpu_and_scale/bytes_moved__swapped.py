"""Returns the fused count first.

answers: bytes_moved
fails: test_bytes_moved
hint: pair-swapped
"""
def bytes_moved(steps, itemsizes, n):
    apart = 0
    outside, made = set(), set()
    for _, inputs, output in steps:
        names = {i for i in inputs if isinstance(i, str)}
        apart += sum(itemsizes[a] for a in names) + itemsizes[output]
        outside |= names - made
        made.add(output)
    fused = sum(itemsizes[a] for a in outside) + itemsizes[steps[-1][2]]
    return n * fused, n * apart
