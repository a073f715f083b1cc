"""Objections and erasures: how they are recorded, relayed to holders, and followed until each holder has answered."""
