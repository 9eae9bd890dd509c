"""Pictures of the face: skin, lids, eyeballs, mouth, and what expressions do to the light on them."""
