"""Rounds down.

answers: break_even
fails: test_break_even
hint: rounded-down
"""
def break_even(nbytes, link, device_seconds, host_seconds):
    gain = host_seconds - device_seconds
    if gain <= 0:
        return math.inf
    return max(math.floor(2 * nbytes / link / gain), 1)
