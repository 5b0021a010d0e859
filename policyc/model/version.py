"""Windows file versions: four 16-bit numbers, compared as one 64-bit number.

Neither PEP 440 nor semver: ``24.0`` is ``24.0.0.0`` and every part stops at 65535
(VS_FIXEDFILEINFO, "Version Information structures", Windows documentation).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_PART_LIMIT = 0xFFFF
_VALUE_LIMIT = (1 << 64) - 1
_CLAUSE = re.compile(r"(>=|<=|==|>|<|)\s*([0-9]+(?:\.[0-9]+){0,3})")


@dataclass(frozen=True, slots=True, order=True)
class FileVersion:
    """A version as one number, ``a << 48 | b << 32 | c << 16 | d``; ValueError outside 64 bits."""

    value: int

    def __post_init__(self) -> None:
        if not 0 <= self.value <= _VALUE_LIMIT:
            msg = f"a file version has 64 bits, got {self.value}"
            raise ValueError(msg)

    @classmethod
    def parse(cls, text: str) -> FileVersion:
        """Read ``1``, ``1.2``, ``1.2.3`` or ``1.2.3.4``; raises ValueError for anything else."""
        if not re.fullmatch(r"[0-9]+(?:\.[0-9]+){0,3}", text, re.ASCII):
            msg = f"{text!r} is not a version of one to four numbers"
            raise ValueError(msg)
        parts = [int(part) for part in text.split(".")]
        parts += [0] * (4 - len(parts))
        for part in parts:
            if part > _PART_LIMIT:
                msg = f"{part} in version {text!r} is above 65535"
                raise ValueError(msg)
        a, b, c, d = parts
        return cls(a << 48 | b << 32 | c << 16 | d)

    @property
    def parts(self) -> tuple[int, int, int, int]:
        """The four numbers."""
        v = self.value
        return (v >> 48, v >> 32 & _PART_LIMIT, v >> 16 & _PART_LIMIT, v & _PART_LIMIT)

    def __str__(self) -> str:
        return ".".join(str(part) for part in self.parts)


LOWEST = FileVersion(0)
HIGHEST = FileVersion(_VALUE_LIMIT)


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class VersionRange:
    """All versions from ``low`` to ``high``, both included."""

    low: FileVersion = LOWEST
    high: FileVersion = HIGHEST

    @classmethod
    def parse(cls, text: str) -> VersionRange:
        """Read ``">=24.0"``, ``">=1.2, <2"``, ``"==1.2.3.4"`` or ``"*"``; raises ValueError.

        A clause without an operator means equality. An empty range is an error, as it
        would make a rule that never matches.
        """
        if text.strip() == "*":
            return cls()
        low, high = LOWEST.value, HIGHEST.value
        for clause in text.split(","):
            match = _CLAUSE.fullmatch(clause.strip())
            if match is None:
                msg = f"{clause.strip()!r} is not a version clause such as '>=24.0' or '<2'"
                raise ValueError(msg)
            bound = FileVersion.parse(match[2]).value
            if match[1] in (">=", "==", ""):
                low = max(low, bound)
            if match[1] in ("<=", "==", ""):
                high = min(high, bound)
            if match[1] == ">":
                low = max(low, bound + 1)
            if match[1] == "<":
                high = min(high, bound - 1)
        if low > high:
            msg = f"no version satisfies {text!r}"
            raise ValueError(msg)
        return cls(low=FileVersion(low), high=FileVersion(high))

    def __contains__(self, version: FileVersion) -> bool:
        return self.low <= version <= self.high

    @property
    def is_any(self) -> bool:
        """True if the range holds every version."""
        return self.low == LOWEST and self.high == HIGHEST

    def __str__(self) -> str:
        if self.is_any:
            return "*"
        if self.low == self.high:
            return f"=={self.low}"
        bounds = []
        if self.low != LOWEST:
            bounds.append(f">={self.low}")
        if self.high != HIGHEST:
            bounds.append(f"<={self.high}")
        return ", ".join(bounds)
