"""What stands beside a match."""

import re

from koe.core.text.verbalise.values import Context

_REACH = 32
"""Characters looked at on either side: enough for a word, and what keeps long texts linear."""

# The first day or number of a range stands between: "vom 5.–7. Mai".
_BEFORE = re.compile(r"([^\W\d_]+)['’]?[ \u00a0]?(?:(?<=[ \u00a0])[0-9]{1,2}\.? ?[-–] ?)?$")
_AFTER = re.compile(r"[ \u00a0]?([^\W\d_]+)")


def context(match: re.Match[str]) -> Context:
    text, start, end = match.string, match.start(), match.end()
    before = _BEFORE.search(text[max(0, start - _REACH) : start])
    after = _AFTER.match(text[end : end + _REACH])
    return Context(before[1].lower() if before else "", after[1] if after else "")
