"""Divides by what may be 0 or negative.

answers: break_even
fails: test_break_even
hint: never-forgotten
"""
def break_even(nbytes, link, device_seconds, host_seconds):
    return math.floor(2 * nbytes / link / (host_seconds - device_seconds)) + 1
