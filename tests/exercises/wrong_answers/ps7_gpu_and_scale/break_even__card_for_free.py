"""Takes the card's time for nothing.

answers: break_even
fails: test_break_even
hint: device-time-left-out
"""
def break_even(nbytes, link, device_seconds, host_seconds):
    return math.floor(2 * nbytes / link / host_seconds) + 1
