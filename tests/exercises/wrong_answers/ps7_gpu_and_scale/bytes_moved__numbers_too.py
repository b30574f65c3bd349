"""Takes a number for an array of numbers.

answers: bytes_moved
fails: test_bytes_moved
hint: numbers-counted
"""
def bytes_moved(steps, itemsizes, n):
    apart = 0
    outside, made = set(), set()
    for _, inputs, output in steps:
        names = {i for i in inputs if isinstance(i, str)}
        apart += sum(itemsizes.get(a, 8) for a in set(inputs)) + itemsizes[output]
        outside |= names - made
        made.add(output)
    fused = sum(itemsizes[a] for a in outside) + itemsizes[steps[-1][2]]
    return n * apart, n * fused
