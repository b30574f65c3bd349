"""Divides bandwidth by rate.

answers: roofline
fails: test_roofline
hint: ridge-upside-down
"""
def roofline(operations, bytes_moved, machine):
    intensity = operations / bytes_moved
    attainable = min(machine["rate"], intensity * machine["bandwidth"])
    bound = "memory" if intensity < machine["bandwidth"] / machine["rate"] else "arithmetic"
    return intensity, attainable, bound
