"""Passes TCP on, and nothing else: ``python -m tests.browser.forward 127.0.0.1:7860 203.0.113.1:7860`` listens on the first
and ends with SIGTERM.
"""

from __future__ import annotations

import asyncio
import sys

CHUNK = 64 * 1024  # bytes


async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Until one side has had enough."""
    try:
        while data := await reader.read(CHUNK):
            writer.write(data)
            await writer.drain()
    except ConnectionError:
        pass
    finally:
        writer.close()


async def forward(listen: tuple[str, int], target: tuple[str, int]) -> None:
    """For ever."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            further = await asyncio.open_connection(*target)
        except OSError:  # nobody listens there
            writer.close()
            return
        await asyncio.gather(pump(reader, further[1]), pump(further[0], writer))

    server = await asyncio.start_server(serve, *listen)
    await server.serve_forever()


def address(text: str) -> tuple[str, int]:
    """``host:port``"""
    host, port = text.rsplit(":", 1)
    return host, int(port)


if __name__ == "__main__":
    asyncio.run(forward(address(sys.argv[1]), address(sys.argv[2])))
