"""One module per SMS provider, which owns everything about it: how to send, and its codes for what became of a message.

To add a provider, write a module with a class that is a `messaging.gateway.Gateway`. Add its name to `GatewayKind` in
`core.settings`, and open it in `messaging.gateway.open_gateway`. If it calls back, give it a module of routes as well.
"""
