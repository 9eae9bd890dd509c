"""The face of somebody else's FastRTC handler: what ``with_avatar`` is made of."""
