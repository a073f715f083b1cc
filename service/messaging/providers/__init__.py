"""One module or package per SMS provider, which owns all of it: how to send, its codes, and how messages arrive.

To add a provider, write a class that is a `messaging.gateway.Gateway`. Add its name to `GatewayKind` in
`core.settings`, and open it in `messaging.gateway.open_gateway`.
"""
