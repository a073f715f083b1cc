"""Objection and erasure: one act of a person, relayed to every holder and followed hop by hop (GDPR 17, 19, 21)."""
