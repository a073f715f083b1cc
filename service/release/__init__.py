"""Releases: from when on the numbers of an upload count for their holders, as the operator decides."""
