"""Gradio's start page as ours: it asks no other host for anything, and our own files come with it from the beginning."""

from __future__ import annotations

import re

# What it loads from elsewhere: a script for frames on other pages, fonts that its theme may use, pictures for its own adverts.
FOREIGN = re.compile(rb'<script\s+src="https?://[^>]*></script>|<link\s+[^>]*href="https?://[^>]*>|<meta\s+[^>]*"https?://[^>]*>')
SCRIPT = re.compile(rb"<script\b")
# Styles before anything is drawn, so that nothing moves when they come; the picture at once.
OURS = b"""
<meta name="description" content="A talking avatar on an ordinary CPU: it speaks as you speak, or a sound file, or a text.">
<link rel="stylesheet" href="stage/page.css"><link rel="stylesheet" href="stage/stage.css">
<link rel="stylesheet" href="stage/record.css">
<script type="module" src="stage/element.js"></script><script type="module" src="stage/record.js"></script>
</head>"""


def own_page(page: bytes, nonce: str, head: bytes = OURS) -> bytes:
    """The page's HTML; ``nonce`` lets the scripts in it run under the content security policy. ``head`` ends its head."""
    page = FOREIGN.sub(b"", page).replace(b"</head>", head, 1)
    return SCRIPT.sub(b'<script nonce="' + nonce.encode() + b'"', page)
