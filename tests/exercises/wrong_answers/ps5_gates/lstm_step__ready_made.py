"""Lets the course's library do the step.

answers: lstm_step
fails: test_lstm_step, test_run_lstm
hint: ready-made
"""
def lstm_step(x, h, c, parameters):
    from course_lib.recurrent import LSTM

    lstm = LSTM(x.shape[1], h.shape[1])
    lstm.load_state_dict(parameters)
    _, state = lstm.forward(x[np.newaxis], (h, c))
    return state
