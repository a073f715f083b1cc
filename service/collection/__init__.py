"""Notices (the wording shown, its partner lists and screenshots) and the collections made under them."""
