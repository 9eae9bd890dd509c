"""Small programs that show one thing each. Run them from the repository: ``python -m examples.first_model``."""
