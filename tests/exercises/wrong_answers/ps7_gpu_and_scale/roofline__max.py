"""Takes the higher of the two.

answers: roofline
fails: test_roofline
hint: peak-taken-for-attainable
"""
def roofline(operations, bytes_moved, machine):
    intensity = operations / bytes_moved
    attainable = max(machine["rate"], intensity * machine["bandwidth"])
    bound = "memory" if intensity * machine["bandwidth"] < machine["rate"] else "arithmetic"
    return intensity, attainable, bound
