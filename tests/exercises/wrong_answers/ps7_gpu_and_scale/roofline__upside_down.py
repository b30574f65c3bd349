"""Divides the bytes by the operations.

answers: roofline
fails: test_roofline
hint: intensity-upside-down
"""
def roofline(operations, bytes_moved, machine):
    intensity = bytes_moved / operations
    attainable = min(machine["rate"], intensity * machine["bandwidth"])
    bound = "memory" if intensity * machine["bandwidth"] < machine["rate"] else "arithmetic"
    return intensity, attainable, bound
