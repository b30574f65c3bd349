"""Looks at the arrays of one step only.

answers: peak_bytes
fails: test_peak_bytes
hint: one-step-seen
"""
def peak_bytes(steps, itemsizes, n):
    callers, made, most = set(), set(), 0
    for _, inputs, output in steps:
        names = {a for a in inputs if isinstance(a, str)}
        callers |= names - made
        if output not in callers:
            made.add(output)
        most = max(most, sum(itemsizes[a] for a in (names | {output}) & made))
    return n * most
