"""Divides by the variance.

answers: scaler
fails: test_scaler
hint: variance-not-spread
"""
class SigmoidScaler(TransformerMixin, BaseEstimator):
    """Standardise each column and squash it into (0, 1)."""

    def __init__(self, center="mean", steepness=1.0):
        self.center = center
        self.steepness = steepness

    def fit(self, X, y=None):
        """Learn center_ and scale_, a number for each column."""
        X = validate_data(self, X, dtype=np.float64)
        if self.center not in ("mean", "median"):
            raise ValueError(f"center must be 'mean' or 'median', not {self.center!r}")
        self.center_ = np.mean(X, axis=0) if self.center == "mean" else np.median(X, axis=0)
        spread = np.var(X, axis=0)
        self.scale_ = np.where(spread > 0, spread, 1.0)
        return self

    def transform(self, X):
        """Return a new array with values between 0 and 1."""
        check_is_fitted(self)
        X = validate_data(self, X, dtype=np.float64, reset=False)
        return sigmoid(self.steepness * (X - self.center_) / self.scale_)

    def inverse_transform(self, X):
        """Return what transform made X from."""
        check_is_fitted(self)
        return self.center_ + self.scale_ * logit(X) / self.steepness

    def get_feature_names_out(self, input_features=None):
        """Return an array of names, one for each column."""
        check_is_fitted(self)
        if input_features is None:
            input_features = [f"x{column}" for column in range(self.n_features_in_)]
        return np.array(input_features, dtype=object)
