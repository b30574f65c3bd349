"""Lets the fused kernel read x for every step that names it.

answers: bytes_moved
fails: test_bytes_moved
hint: fused-reads-again
"""
def bytes_moved(steps, itemsizes, n):
    apart = 0
    outside, made = [], set()
    for _, inputs, output in steps:
        names = {i for i in inputs if isinstance(i, str)}
        apart += sum(itemsizes[a] for a in names) + itemsizes[output]
        outside += sorted(names - made)
        made.add(output)
    fused = sum(itemsizes[a] for a in outside) + itemsizes[steps[-1][2]]
    return n * apart, n * fused
