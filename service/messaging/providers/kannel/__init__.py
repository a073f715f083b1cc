"""Kannel: its bearerbox speaks to message centres, and the service is a box of it. It takes the place of smsbox.

smsbox confirms a message to bearerbox before its own HTTP call is made, so a message could be lost between the two. It
also writes the addresses of failed calls to its log, with the secrets in them. `sender` hands messages over; `receiver`
takes what telephones send. A box has no password: only this service may reach bearerbox (see `docker-compose.yml`).
"""
