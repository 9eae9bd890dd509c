"""Making `.imx` avatars from a photo, on this machine. Needs the extra `bithuman-core[build]`."""
