"""Returns a fraction.

answers: break_even
fails: test_break_even
hint: fraction-of-a-call
"""
def break_even(nbytes, link, device_seconds, host_seconds):
    gain = host_seconds - device_seconds
    if gain <= 0:
        return math.inf
    return 2 * nbytes / link / gain
