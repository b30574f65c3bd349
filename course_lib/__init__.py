"""The reference library of The Sigmoid Course: what its chapters and exercises import."""
