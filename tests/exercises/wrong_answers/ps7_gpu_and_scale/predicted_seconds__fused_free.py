"""Thinks that fusion saves operations as well.

answers: predicted_seconds
fails: test_predicted_seconds
hint: fused-for-free
"""
def predicted_seconds(steps, itemsizes, n, costs, machine):
    apart = total = 0
    outside, made = set(), set()
    for operation, inputs, output in steps:
        names = {a for a in inputs if isinstance(a, str)}
        moved = n * (sum(itemsizes[a] for a in names) + itemsizes[output])
        worked = n * costs[operation]
        apart += max(moved / machine["bandwidth"], worked / machine["rate"]) + machine["launch"]
        total = max(total, worked)
        outside |= names - made
        made.add(output)
    moved = n * (sum(itemsizes[a] for a in outside) + itemsizes[steps[-1][2]])
    return apart, max(moved / machine["bandwidth"], total / machine["rate"]) + machine["launch"]
