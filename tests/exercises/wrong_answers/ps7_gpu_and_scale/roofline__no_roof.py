"""Has no flat part.

answers: roofline
fails: test_roofline
hint: rate-without-a-limit
"""
def roofline(operations, bytes_moved, machine):
    intensity = operations / bytes_moved
    attainable = intensity * machine["bandwidth"]
    bound = "memory" if intensity * machine["bandwidth"] < machine["rate"] else "arithmetic"
    return intensity, attainable, bound
