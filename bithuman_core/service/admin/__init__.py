"""The page of whoever runs the service: what is live, what is being made, how much is taken; agents, secrets, webhooks.

A Gradio app below ``/admin``, behind a secret with the scope ``admin``.
"""
