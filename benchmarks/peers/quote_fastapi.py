"""The hot read as a FastAPI application would do it, for `benchmarks/quote.py` to measure against.

The same work in as many steps: the token is verified once and remembered until it expires; session, limits
and value are one round trip with the same Lua script; the value is JSON as it was stored. It keeps no
request log and computes no staleness, which the other side does.
"""

import os
import time
from datetime import UTC, datetime
from pathlib import Path

import jwt
from fastapi import Depends, FastAPI, HTTPException, Request, Response
from redis.asyncio import Redis

LUA = [Path(path).read_text() for path in os.environ["PEER_LUA"].split(":")]
KEY = os.environ["JWT_SIGNING_KEY"]
LIMIT = int(os.environ["PEER_LIMIT"])
MAX_TOKENS = 10_000

app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
redis = Redis.from_url(os.environ["REDIS_URL"], max_connections=64)
script = redis.register_script("\n".join(LUA))
known: dict[str, tuple[str, float]] = {}


async def account(request: Request) -> str:
    """Who the bearer token of a request stands for."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme != "Bearer":
        raise HTTPException(401)
    found = known.get(token)
    if found is None or found[1] <= time.time():
        try:
            claims = jwt.decode(
                token, KEY, algorithms=["HS256"], audience="stockroom-api", issuer="stockroom"
            )
        except jwt.InvalidTokenError:
            raise HTTPException(401) from None
        if len(known) >= MAX_TOKENS:
            known.clear()
        found = known[token] = (claims["sub"], float(claims["exp"]))
    return found[0]


@app.get("/v1/market/quote")
async def quote(request: Request, symbol: str, user: str = Depends(account)) -> Response:
    """The price of one stock."""
    address = request.client.host if request.client else ""
    reply = await script(
        keys=["peer:session", "peer:quotes", f"peer:limit:{user}", f"peer:limit:{address}"],
        args=["alive", symbol, *(LIMIT, 60, 0, 0), *(LIMIT, 60, 0, 0)],
    )
    if reply[0] != 1:
        raise HTTPException(401)
    _, value, allowed, now, used, resets, *_ = reply
    headers = {
        "Cache-Control": "private, no-store",
        "X-RateLimit-Limit": str(LIMIT),
        "X-RateLimit-Remaining": str(LIMIT - used),
        "X-RateLimit-Reset": datetime.fromtimestamp(resets, UTC).isoformat(),
    }
    if not allowed:
        raise HTTPException(429, headers={**headers, "Retry-After": str(resets - now)})
    if value is None:
        raise HTTPException(404)
    return Response(value, media_type="application/json", headers=headers)
