"""Send one signed request to a webhook: resolve its name, check the addresses, and connect to one of them."""

import asyncio
import socket
import ssl
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from ipaddress import ip_address
from typing import Final

import httpx2
from standardwebhooks import Webhook

from service.core.health import VERSION
from service.core.threads import WorkThreads
from service.webhook.addresses import (
    Address,
    AddressProblem,
    RefusedAddressError,
    host_of,
    literal_address,
    may_be_called,
    webhook_url,
)

# For everything together: name, connection, and the head of the response.
SECONDS: Final = 15
# Name servers may answer slowly on purpose. With threads of its own, resolving holds up nothing else, and whoever
# registers addresses holds up no delivery.
DELIVERING: Final = WorkThreads("webhook-resolver", 16, 1000)
REGISTERING: Final = WorkThreads("webhook-check", 4, 16)


@dataclass(frozen=True, slots=True)
class Message:
    """What is sent. `id` is the same at every attempt, so that a receiver recognises a repetition."""

    id: uuid.UUID
    url: str = field(repr=False)
    secrets: Sequence[str] = field(repr=False)
    body: str = field(repr=False)


async def resolve(url: httpx2.URL, *, private: bool, threads: WorkThreads = DELIVERING) -> list[Address]:
    """Every address of the host of `url`.

    Raises:
        RefusedAddressError: there is none, or at least one must not be called: such a name cannot be trusted at all.
    """
    literal = literal_address(url)
    found = [literal] if literal is not None else await _look_up(host_of(url), threads)
    if not found:
        raise RefusedAddressError(AddressProblem.UNRESOLVED)
    if not all(may_be_called(address, private=private) for address in found):
        raise RefusedAddressError(AddressProblem.PRIVATE)
    return found


async def _look_up(name: str, threads: WorkThreads) -> list[Address]:
    def get_addresses() -> list[str]:
        return [str(info[4][0]) for info in socket.getaddrinfo(name, None, type=socket.SOCK_STREAM)]

    try:
        found = await threads.run(get_addresses)
    except OSError:
        return []
    return [ip_address(address) for address in dict.fromkeys(found)]


def headers_of(message: Message, moment: datetime) -> dict[str, str]:
    """The headers of Standard Webhooks 1.0: every valid secret signs the id, the timestamp and the body."""
    signatures = [Webhook(secret).sign(str(message.id), moment, message.body) for secret in message.secrets]
    return {
        "content-type": "application/json",
        "user-agent": f"Filiation/{VERSION}",
        "webhook-id": str(message.id),
        "webhook-timestamp": str(int(moment.timestamp())),
        "webhook-signature": " ".join(signatures),
    }


async def send(message: Message, moment: datetime, tls: ssl.SSLContext, *, private: bool) -> str:
    """Send `message` and return the outcome in fixed words, such as `status 204`. No response body is read."""
    try:
        async with asyncio.timeout(SECONDS):
            url = webhook_url(message.url, private=private)
            addresses = await resolve(url, private=private)
            status = await _post(url, addresses, headers_of(message, moment), message.body.encode(), tls)
    except TimeoutError:
        return "timeout"
    except RefusedAddressError as problem:
        return "name not found" if problem.problem is AddressProblem.UNRESOLVED else "address refused"
    except httpx2.ConnectError as problem:
        return "TLS failed" if _is_about_tls(problem) else "connection failed"
    except httpx2.HTTPError:
        return "connection broken"
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
    """POST to the first of `addresses` that accepts a connection, and return the response's status.

    The request goes to the address itself, since a name that is resolved a second time may lead elsewhere. The
    certificate must still be the name's. The transport is called directly: a client might follow a redirect, use a
    proxy or log the address. It is a new one each time, because a kept connection would be reused for any name that
    leads to the same address.
    """
    failure = httpx2.ConnectError("no address was given")
    for address in addresses:
        request = httpx2.Request(
            "POST",
            url.copy_with(host=str(address)),
            headers={"host": url.netloc.decode("ascii")} | headers,
            content=body,
            extensions={"sni_hostname": host_of(url)},
        )
        try:
            async with httpx2.AsyncHTTPTransport(verify=tls, trust_env=False) as transport:
                response = await transport.handle_async_request(request)
                await response.aclose()
                return response.status_code
        except httpx2.ConnectError as problem:
            failure = problem
    raise failure
