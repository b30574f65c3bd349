"""Launches once for all steps.

answers: predicted_seconds
fails: test_predicted_seconds
hint: one-launch-for-all
"""
def predicted_seconds(steps, itemsizes, n, costs, machine):
    apart = total = 0
    outside, made = set(), set()
    for operation, inputs, output in steps:
        names = {a for a in inputs if isinstance(a, str)}
        moved = n * (sum(itemsizes[a] for a in names) + itemsizes[output])
        worked = n * costs[operation]
        apart += max(moved / machine["bandwidth"], worked / machine["rate"])
        total += worked
        outside |= names - made
        made.add(output)
    moved = n * (sum(itemsizes[a] for a in outside) + itemsizes[steps[-1][2]])
    return apart + machine["launch"], max(moved / machine["bandwidth"], total / machine["rate"]) + machine["launch"]
