"""Releases an input before the output is made.

answers: peak_bytes
fails: test_peak_bytes
hint: released-too-early
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
    last[steps[-1][2]] = len(steps)
    return n * max(sum(itemsizes[a] for a in made if first[a] <= k < last[a]) for k in range(len(steps)))
