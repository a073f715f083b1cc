"""Notices (the wording shown, its partner lists and evidence) and the collections made under them."""
