"""The parts of the loss check: its streams, its state, its sentences."""
