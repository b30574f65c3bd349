"""Counts the caller's array as well.

answers: peak_bytes
fails: test_peak_bytes
hint: callers-array-counted
"""
def peak_bytes(steps, itemsizes, n):
    first, last = {}, {}
    for k, (_, inputs, output) in enumerate(steps):
        for name in [*inputs, output]:
            if isinstance(name, str):
                first.setdefault(name, k)
                last[name] = k
    return n * max(sum(itemsizes[a] for a in first if first[a] <= k <= last[a]) for k in range(len(steps)))
