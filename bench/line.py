"""A slow line on loopback: every connection through it is delayed, and all of them may share a rate. Needs no rights.

`python bench/line.py TARGET_PORT --delay-ms 20 [--mbit 200]` prints its own port and forwards until it is killed. The delay is one
way: a round trip costs twice as much. Models neither slow start nor loss.
"""

from __future__ import annotations

import argparse
import asyncio


class Rate:
    """What all connections of one direction share, in bytes a second; 0 is no limit."""

    def __init__(self, rate: float) -> None:
        self._rate, self._free_at = rate, 0.0

    def when(self, now: float, count: int) -> float:
        """When `count` bytes have passed."""
        if not self._rate:
            return now
        self._free_at = max(self._free_at, now) + count / self._rate
        return self._free_at


async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, delay: float, rate: Rate) -> None:
    """Forward one direction of one connection, until either end lets go of it."""
    clock = asyncio.get_running_loop().time
    under_way: asyncio.Queue[tuple[float, bytes] | None] = asyncio.Queue(4096)

    async def come() -> None:
        while data := await reader.read(1 << 16):
            await under_way.put((rate.when(clock(), len(data)) + delay, data))
        await under_way.put(None)

    async def arrive() -> None:
        while (piece := await under_way.get()) is not None:
            await asyncio.sleep(max(0.0, piece[0] - clock()))
            writer.write(piece[1])
            await writer.drain()

    try:
        async with asyncio.TaskGroup() as both:
            both.create_task(come())
            both.create_task(arrive())
    except* OSError:  # whoever asked has what it wanted
        pass
    finally:
        writer.close()


async def forward(target: int, delay: float, rate: float) -> None:
    """Serve for ever."""
    there, back = Rate(rate), Rate(rate)
    open_ones: set[asyncio.Task[None]] = set()  # the loop itself keeps no task alive

    async def connect(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        theirs, ours = await asyncio.open_connection("127.0.0.1", target, limit=1 << 20)
        await asyncio.gather(pump(reader, ours, delay, there), pump(theirs, writer, delay, back))

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(connect(reader, writer))
        open_ones.add(task)
        task.add_done_callback(open_ones.discard)

    server = await asyncio.start_server(accept, "127.0.0.1", 0, limit=1 << 20)
    print(server.sockets[0].getsockname()[1], flush=True)
    async with server:
        await server.serve_forever()


def main() -> None:
    """Forward until killed."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("target", type=int)
    parser.add_argument("--delay-ms", type=float, default=20)
    parser.add_argument("--mbit", type=float, default=0)
    asked = parser.parse_args()
    asyncio.run(forward(asked.target, asked.delay_ms / 1000, asked.mbit * 125_000))


if __name__ == "__main__":
    main()
