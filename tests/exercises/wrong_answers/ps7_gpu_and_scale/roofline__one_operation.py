"""Compares the intensity with 1.

answers: roofline
fails: test_roofline
hint: ridge-at-one
"""
def roofline(operations, bytes_moved, machine):
    intensity = operations / bytes_moved
    attainable = min(machine["rate"], intensity * machine["bandwidth"])
    bound = "memory" if intensity < 1 else "arithmetic"
    return intensity, attainable, bound
