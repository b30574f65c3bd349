"""Releases an array after the first step that reads it.

answers: peak_bytes
fails: test_peak_bytes
hint: released-after-its-first-use
"""
def peak_bytes(steps, itemsizes, n):
    alive, seen, most = set(), set(), 0
    for _, inputs, output in steps:
        names = {a for a in inputs if isinstance(a, str)}
        seen |= names
        if output in alive or output not in seen:
            alive.add(output)
        seen.add(output)
        most = max(most, sum(itemsizes[a] for a in alive))
        alive -= names - {output}
    return n * most
