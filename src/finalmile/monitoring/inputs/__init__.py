"""Inputs and outputs of a model: rows of a look reduced to scalars, and the evidence that they changed for good."""
