"""The Gradio page: theme, panel, events, and the endpoints of "Use via API"."""
