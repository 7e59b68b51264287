"""What tests read out of a picture."""

from __future__ import annotations

import xml.etree.ElementTree as ET

SVG = "{http://www.w3.org/2000/svg}"


def texts(picture):
    """Return all that is written in a picture, in order."""
    return ["".join(text.itertext()).strip() for text in ET.fromstring(picture.svg).iter(f"{SVG}text")]
