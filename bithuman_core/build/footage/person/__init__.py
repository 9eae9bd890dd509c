"""Whom one sees: landmarks, pose, expression and mesh of the head in every frame."""
