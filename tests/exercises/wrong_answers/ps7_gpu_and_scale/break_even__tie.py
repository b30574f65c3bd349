"""Is content with a tie.

answers: break_even
fails: test_break_even
hint: a-tie-is-no-gain
"""
def break_even(nbytes, link, device_seconds, host_seconds):
    gain = host_seconds - device_seconds
    if gain <= 0:
        return math.inf
    return max(math.ceil(2 * nbytes / link / gain), 1)
