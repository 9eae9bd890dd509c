"""Scripts that print the figures of the README and the model cards."""
