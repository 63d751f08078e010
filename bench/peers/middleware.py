"""FastAPI with slowapi, called without a server: what a limit adds to a request. The argument is the seed."""

import asyncio
import json
import time

from fastapi import FastAPI, Request
from rounds import ROUNDS
from slowapi import Limiter
from slowapi.util import get_remote_address

CALLS = 1000
SCOPE = {
    "type": "http",
    "asgi": {"version": "3.0"},
    "http_version": "1.1",
    "method": "GET",
    "scheme": "http",
    "path": "/",
    "raw_path": b"/",
    "query_string": b"",
    "root_path": "",
    "headers": [(b"host", b"localhost")],
    "client": ("203.0.113.7", 4711),
    "server": ("localhost", 80),
}


def bare() -> FastAPI:
    app = FastAPI()

    @app.get("/")
    async def root(request: Request):
        return {}

    return app


def limited() -> FastAPI:
    app = FastAPI()
    app.state.limiter = limiter = Limiter(key_func=get_remote_address)

    @app.get("/")
    @limiter.limit("1000000000/second")
    async def root(request: Request):
        return {}

    return app


async def call(app: FastAPI) -> None:
    async def receive():
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message):
        assert message.get("status", 200) == 200, message

    await app(dict(SCOPE), receive, send)


async def main() -> None:
    apps = {"Python: bare FastAPI": bare(), "Python: FastAPI with slowapi": limited()}
    nanos = {name: [] for name in apps}
    names = list(apps)
    for number in range(ROUNDS + 1):
        for index in range(len(names)):
            name = names[(number + index) % len(names)]
            start = time.perf_counter_ns()
            for _ in range(CALLS):
                await call(apps[name])
            if number > 0:
                nanos[name].append((time.perf_counter_ns() - start) / CALLS)
    title = "FastAPI, a request without a server"
    for name in names:
        print(json.dumps({"table": "fastapi", "title": title, "subject": name, "nanos": nanos[name]}))


asyncio.run(main())
