#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""throttle.py PORT TO_PORT BYTES_PER_SECOND DELAY_MS: a proxy on that loopback port, that lets each direction of a connection have so
many bytes a second, and each piece that much later. Kafka's answers name the broker's own port: it must advertise this one."""
import asyncio, sys

port, target, rate, delay = int(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]) / 1000


async def pump(reader, writer):
    try:
        while data := await reader.read(4096):
            await asyncio.sleep(delay + len(data) / rate)
            writer.write(data)
            await writer.drain()
    except OSError:
        pass
    finally:
        writer.close()


async def serve(reader, writer):
    try:
        up = await asyncio.open_connection('127.0.0.1', target)
    except OSError:
        return writer.close()
    await asyncio.gather(pump(reader, up[1]), pump(up[0], writer))


async def main():
    async with await asyncio.start_server(serve, '127.0.0.1', port) as s:
        await s.serve_forever()

asyncio.run(main())
