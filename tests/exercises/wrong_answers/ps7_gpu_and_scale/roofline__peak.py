"""Promises the peak rate.

answers: roofline
fails: test_roofline
hint: peak-taken-for-attainable
"""
def roofline(operations, bytes_moved, machine):
    intensity = operations / bytes_moved
    attainable = machine["rate"]
    bound = "memory" if intensity * machine["bandwidth"] < machine["rate"] else "arithmetic"
    return intensity, attainable, bound
