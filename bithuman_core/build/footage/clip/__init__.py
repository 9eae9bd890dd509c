"""What comes in: the pictures of a clip, what of them is kept, and what is refused."""
