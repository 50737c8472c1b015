"""Every kind of fault that the demo plants; each is an edit of a clean row.

This code shares nothing with the checks: it knows what it broke, not how one would notice.
"""

from __future__ import annotations

from tamis.demo.blemishes import BLEMISHES
from tamis.demo.call_faults import CALL_FAULTS
from tamis.demo.planting import Fault
from tamis.demo.role_faults import ROLE_FAULTS
from tamis.demo.tag_faults import TAG_FAULTS
from tamis.demo.text_faults import TEXT_FAULTS

FAULTS: tuple[Fault, ...] = (*TAG_FAULTS, *CALL_FAULTS, *TEXT_FAULTS, *ROLE_FAULTS, *BLEMISHES)
