"""The addresses beside Gradio's own: signalling and presence of a visitor, pictures of avatars, the local command line."""
