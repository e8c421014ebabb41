"""Tests of the package. All but those of Keras and PyTorch need numpy alone."""
