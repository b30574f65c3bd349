"""Says memory where arithmetic is the limit.

answers: roofline
fails: test_roofline
hint: limits-swapped
"""
def roofline(operations, bytes_moved, machine):
    intensity = operations / bytes_moved
    attainable = min(machine["rate"], intensity * machine["bandwidth"])
    bound = "arithmetic" if intensity * machine["bandwidth"] < machine["rate"] else "memory"
    return intensity, attainable, bound
