"""Lets the library fit.

answers: fit_platt
fails: test_fit_platt
hint: ready-made
"""
def fit_platt(scores, y):
    from course_lib.calibration import PlattScaling

    platt = PlattScaling().fit(scores, y)
    return platt.slope_, platt.intercept_
