"""Lets the fused kernel write its temporaries.

answers: bytes_moved
fails: test_bytes_moved
hint: fused-moves-temporaries
"""
def bytes_moved(steps, itemsizes, n):
    apart = 0
    outside, made = set(), set()
    for _, inputs, output in steps:
        names = {i for i in inputs if isinstance(i, str)}
        apart += sum(itemsizes[a] for a in names) + itemsizes[output]
        outside |= names - made
        made.add(output)
    fused = sum(itemsizes[a] for a in outside | made)
    return n * apart, n * fused
