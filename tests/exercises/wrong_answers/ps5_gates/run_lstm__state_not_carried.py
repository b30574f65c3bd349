"""Starts every step from the initial state.

answers: run_lstm
fails: test_run_lstm
hint: state-not-carried
"""
def run_lstm(x, h, c, parameters):
    steps = [lstm_step(x_t, h, c, parameters) for x_t in x]
    return np.stack([step[0] for step in steps]), *steps[-1]
