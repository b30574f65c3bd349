"""Adds up all arrays that are ever made.

answers: peak_bytes
fails: test_peak_bytes
hint: nothing-released
"""
def peak_bytes(steps, itemsizes, n):
    first, last, callers = {}, {}, set()
    for k, (_, inputs, output) in enumerate(steps):
        for name in inputs:
            if isinstance(name, str):
                if name not in first:
                    callers.add(name)
                last[name] = k
        first.setdefault(output, k)
        last[output] = k
    return n * sum(itemsizes[a] for a in first if a not in callers)
