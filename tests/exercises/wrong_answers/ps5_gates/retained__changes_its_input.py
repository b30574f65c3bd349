"""Multiplies in the caller's gates.

answers: retained
fails: test_retained
hint: changes-its-input
"""
def retained(forget):
    forget[:-1] = forget[1:]
    forget[-1] = 1
    for t in range(len(forget) - 2, -1, -1):
        forget[t] *= forget[t + 1]
    return forget
