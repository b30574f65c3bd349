"""Makes a new array for a result that has its place.

answers: peak_bytes
fails: test_peak_bytes
hint: in-place-made-anew
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
    alive = []
    for k, (_, inputs, output) in enumerate(steps):
        again = itemsizes[output] if output in inputs else 0
        alive.append(again + sum(itemsizes[a] for a in made if first[a] <= k <= last[a]))
    return n * max(alive)
