"""One signed request to a webhook: its name is resolved here, and the connection goes to what was found and checked."""

import asyncio
import socket
import ssl
import uuid
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from ipaddress import ip_address
from typing import Final

import httpx2
from standardwebhooks import Webhook

from service.core.health import VERSION
from service.webhook.addresses import (
    Address,
    Refusal,
    RefusedAddressError,
    host_of,
    literal_address,
    may_be_called,
    webhook_url,
)

# Everything together: name, connection, and the head of the answer.
SECONDS: Final = 15
# A name's servers may be made to answer slowly; nobody else waits for a thread because of that.
_RESOLVERS: Final = ThreadPoolExecutor(16, "webhook-resolver")


@dataclass(frozen=True, slots=True)
class Message:
    """What is sent. `id` is the same at every try, so that a receiver knows a repetition."""

    id: uuid.UUID
    url: str = field(repr=False)
    secrets: Sequence[str] = field(repr=False)
    body: str = field(repr=False)


async def resolve(url: httpx2.URL, *, private: bool) -> list[Address]:
    """Every address of the host of `url`.

    Raises:
        RefusedAddressError: there is none, or one of them may not be called: such a name is not to be trusted at all.
    """
    literal = literal_address(url)
    found = [literal] if literal is not None else await _look_up(host_of(url))
    if not found:
        raise RefusedAddressError(Refusal.UNRESOLVED)
    if not all(may_be_called(address, private=private) for address in found):
        raise RefusedAddressError(Refusal.PRIVATE)
    return found


async def _look_up(name: str) -> list[Address]:
    def ask() -> list[str]:
        return [str(place[4][0]) for place in socket.getaddrinfo(name, None, type=socket.SOCK_STREAM)]

    try:
        found = await asyncio.get_running_loop().run_in_executor(_RESOLVERS, ask)
    except OSError:
        return []
    return [ip_address(address) for address in dict.fromkeys(found)]


def headers_of(message: Message, moment: datetime) -> dict[str, str]:
    """The headers of Standard Webhooks 1.0: every secret that is good signs the id, the second and the body."""
    signatures = [Webhook(secret).sign(str(message.id), moment, message.body) for secret in message.secrets]
    return {
        "content-type": "application/json",
        "user-agent": f"Filiation/{VERSION}",
        "webhook-id": str(message.id),
        "webhook-timestamp": str(int(moment.timestamp())),
        "webhook-signature": " ".join(signatures),
    }


async def send(message: Message, moment: datetime, tls: ssl.SSLContext, *, private: bool) -> str:
    """Send `message` and say in a few fixed words how that went, `status 204` for example; no answer's body is read."""
    try:
        async with asyncio.timeout(SECONDS):
            url = webhook_url(message.url, private=private)
            addresses = await resolve(url, private=private)
            status = await _post(url, addresses, headers_of(message, moment), message.body.encode(), tls)
    except TimeoutError:
        return "timeout"
    except RefusedAddressError as problem:
        return "unknown name" if problem.refusal is Refusal.UNRESOLVED else "refused address"
    except httpx2.ConnectError as problem:
        return "no secure connection" if _is_about_tls(problem) else "no connection"
    except httpx2.HTTPError:
        return "broken connection"
    return f"status {status}"


def _is_about_tls(problem: BaseException | None) -> bool:
    while problem is not None:
        if isinstance(problem, ssl.SSLError):
            return True
        problem = problem.__cause__ or problem.__context__
    return False


async def _post(
    url: httpx2.URL, addresses: Sequence[Address], headers: dict[str, str], body: bytes, tls: ssl.SSLContext
) -> int:
    """The status of the answer to a POST, sent to the first of `addresses` that takes a connection.

    The address stands in place of the name, so that the name is not resolved a second time, to another one; the
    certificate is still that of the name. It is the transport that is called and no client, which might follow a
    redirect, use a proxy or log the address; and a new one each time, because a kept connection would be taken for
    whichever name leads to the same address.
    """
    failure = httpx2.ConnectError("no address")
    for address in addresses:
        there = url.copy_with(host=str(address))
        named = {"host": url.netloc.decode("ascii")} | headers
        request = httpx2.Request("POST", there, headers=named, content=body, extensions={"sni_hostname": host_of(url)})
        try:
            async with httpx2.AsyncHTTPTransport(verify=tls, trust_env=False) as transport:
                response = await transport.handle_async_request(request)
                await response.aclose()
                return response.status_code
        except httpx2.ConnectError as problem:
            failure = problem
    raise failure
