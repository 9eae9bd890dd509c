"""Footage avatars: a clip of a person whose talking is taken out, and what is needed to draw another mouth into every frame."""
