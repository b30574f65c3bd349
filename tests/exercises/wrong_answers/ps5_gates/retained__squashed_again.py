"""Takes gates for pre-activations.

answers: retained
fails: test_retained
hint: squashed-twice
"""
def retained(forget):
    gates = sigmoid(forget)
    kept = np.ones_like(gates)
    for t in range(len(gates) - 2, -1, -1):
        kept[t] = kept[t + 1] * gates[t + 1]
    return kept
