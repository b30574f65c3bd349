"""Takes every number for a float64.

answers: peak_bytes
fails: test_peak_bytes
hint: itemsize-assumed
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
    made = [a for a in first if a not in callers]
    return n * max(sum(8 for a in made if first[a] <= k <= last[a]) for k in range(len(steps)))
