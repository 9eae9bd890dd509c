"""Reading a photo or clip and judging it: pictures, faces, landmarks, the gates that it must pass."""
