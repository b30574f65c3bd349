"""Compares the totals and not the steps.

answers: predicted_seconds
fails: test_predicted_seconds
hint: max-of-the-totals
"""
def predicted_seconds(steps, itemsizes, n, costs, machine):
    moved = operations = 0
    outside, made = set(), set()
    for operation, inputs, output in steps:
        names = {a for a in inputs if isinstance(a, str)}
        moved += n * (sum(itemsizes[a] for a in names) + itemsizes[output])
        operations += n * costs[operation]
        outside |= names - made
        made.add(output)
    apart = max(moved / machine["bandwidth"], operations / machine["rate"]) + len(steps) * machine["launch"]
    moved = n * (sum(itemsizes[a] for a in outside) + itemsizes[steps[-1][2]])
    return apart, max(moved / machine["bandwidth"], operations / machine["rate"]) + machine["launch"]
