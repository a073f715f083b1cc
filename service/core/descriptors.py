"""How many connections a process can serve: each is an open file to the operating system, which counts them."""

import resource
from typing import Final

# For the database, the log, the files of the package, and connections that are just being refused.
_OTHERS: Final = 160


def most_connections(wanted: int) -> int:
    """As many of the connections `wanted` as the system allows. The process first asks for as many files as it may."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = wanted + _OTHERS
    if soft != resource.RLIM_INFINITY and soft < needed:
        soft = needed if hard == resource.RLIM_INFINITY else min(needed, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    return wanted if soft == resource.RLIM_INFINITY else max(16, min(wanted, soft - _OTHERS))
