"""Checks what a piece of evidence is by its bytes. Half a screenshot proves nothing, so its end is checked too."""

import puremagic

EVIDENCE_TYPES = ("image/png", "image/jpeg", "image/webp", "application/pdf")

_PNG_END = b"\0\0\0\0IEND\xaeB`\x82"
_JPEG_END = b"\xff\xd9"
_PDF_END = b"%%EOF"
# How far before the end PDF readers look for the end marker (ISO 32000-1, annex H.3).
_PDF_TAIL = 1024


def is_whole(content: bytes, media_type: str) -> bool:
    """Whether `content` begins and ends like `media_type`, which is one of `EVIDENCE_TYPES`."""
    try:
        if puremagic.from_string(content, mime=True) != media_type:
            return False
    except (puremagic.PureError, ValueError):
        return False
    match media_type:
        case "image/png":
            return content.endswith(_PNG_END)
        case "image/jpeg":
            return content.endswith(_JPEG_END)
        case "image/webp":
            # A RIFF file states its length, but for the first eight bytes (RFC 9649, 2.4).
            return int.from_bytes(content[4:8], "little") + 8 == len(content)
        case _:
            return _PDF_END in content[-_PDF_TAIL:]
