"""LiveKit's own client for browsers: ``python -m tests.livekit.client`` gets it."""

from __future__ import annotations

import sys

from tests.npm_package import NpmPackage

CLIENT = NpmPackage(
    "livekit-client", "2.23.0",
    "sha512-j9Kg86nJjBjNFUD+ukp2jwMCGa0k+YD5gU//RzAM+ZY3pbG631QCte7fQjwqWMmtBzhDJL9nKYuOLMv/9IbAxg==",
    "dist/livekit-client.umd.js",
    "NO LIVEKIT-CLIENT: what a browser sees in LiveKit's rooms is not tested. Install npm, which fetches it.",
)  # fmt: skip


if __name__ == "__main__":
    sys.exit(CLIENT.main())
