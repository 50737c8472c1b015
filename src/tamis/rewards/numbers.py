"""What begins like a number in running text; what it is worth is read by `math`.

An optional sign, ASCII digits with or without thousands separators, an optional decimal part and exponent; a
fraction `a/b` or `\\frac{a}{b}`; a mixed number `1 1/2`; an optional currency sign before.
"""

from __future__ import annotations

import re

_SIGN = r"[+\-\u2212]?"
_GROUPED = r"[0-9]{1,3}(?:(?:,|\{,\}|\\,|,\\!)[0-9]{3})+"
_DECIMAL = rf"(?:(?:{_GROUPED}|[0-9]+)(?:\.[0-9]*)?|\.[0-9]+)"
_CURRENCY = r"(?:\\?\$|€|£|¥|US\$|USD )"
# The look-ahead refuses what only begins like a number: 1_0, 1.2.3, 7:30, 1,23.
_END = r"(?![0-9_]|[.:,][0-9])"
_PLAIN = rf"{_DECIMAL}(?:[eE][+\-]?[0-9]{{1,6}})?"
_MIXED = r"[0-9]+\s+[0-9]+\s*/\s*[0-9]+"
_RATIO = rf"{_DECIMAL}\s*/\s*{_DECIMAL}"
_LATEX = r"\\[dt]?frac(?:\{\s*[+\-\u2212]?[0-9.,]+\s*\}\{\s*[0-9.,]+\s*\}|[0-9][0-9])"
NUMBER = re.compile(
    rf"{_SIGN}\s?{_CURRENCY}?\s?{_SIGN}(?:{_LATEX}|(?:{_MIXED}|{_RATIO}|{_PLAIN}){_END})"
)
