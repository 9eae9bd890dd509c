"""The browser demo: a Gradio page around a FastRTC stream, with a gallery of avatars, visitors and their waiting line."""
