"""Forgets the way back.

answers: break_even
fails: test_break_even
hint: one-way-only
"""
def break_even(nbytes, link, device_seconds, host_seconds):
    gain = host_seconds - device_seconds
    if gain <= 0:
        return math.inf
    return math.floor(nbytes / link / gain) + 1
