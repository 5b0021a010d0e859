"""Built-in signer sets: what Windows, Microsoft, the Store and WHQL sign.

Source: Microsoft's DefaultWindows and AllowMicrosoft policies, which an enforced base policy
must cover for a machine to start.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from policyc.model.identity import Oid, TbsHash
from policyc.model.ir import AllOf, SignedBy
from policyc.targets.wdac.model import KERNEL, USER
from policyc.targets.wdac.roots import ROOTS

_WINDOWS = Oid("1.3.6.1.4.1.311.10.3.6")
_ELAM = Oid("1.3.6.1.4.1.311.61.4.1")
_HAL = Oid("1.3.6.1.4.1.311.61.5.1")
_WHQL = Oid("1.3.6.1.4.1.311.10.3.5")
_RT = Oid("1.3.6.1.4.1.311.10.3.21")
_STORE = Oid("1.3.6.1.4.1.311.76.3.1")
_CODE_GENERATOR = Oid("1.3.6.1.4.1.311.76.5.1")
_ANTIMALWARE = Oid("1.3.6.1.4.1.311.76.11.1")
_BOTH = frozenset({KERNEL, USER})
_USER = frozenset({USER})


@dataclass(frozen=True, slots=True, kw_only=True)
class BuiltIn:
    """A signer of a set: a well-known root by number or a TBS hash, and an EKU of the leaf."""

    root: int | TbsHash
    eku: Oid | None = None
    scenarios: frozenset[int] = _BOTH

    @property
    def name(self) -> str:
        """For people."""
        root = ROOTS[self.root].name if isinstance(self.root, int) else "Microsoft Store"
        return root if self.eku is None else f"{root}, EKU {self.eku}"

    @property
    def covers(self) -> AllOf | None:
        """The files it allows for certain, or None where no public source has the root's hash."""
        tbs: TbsHash | None
        if isinstance(self.root, int):
            text = ROOTS[self.root].tbs
            tbs = None if text is None else TbsHash(text)
        else:
            tbs = self.root
        return None if tbs is None else AllOf(frozenset({SignedBy(issuer=tbs, eku=self.eku)}))


_MARKETPLACE = BuiltIn(
    root=TbsHash("fc9ede3dcca09186b2d3bf9b738a2050cb1a554da2dcadb55f3f72ee17721378"),
    eku=_STORE,
    scenarios=_USER,
)
_HARDWARE = tuple(BuiltIn(root=root, eku=_WHQL) for root in (0x06, 0x05, 0x04, 0x0E))

SETS: dict[str, tuple[BuiltIn, ...]] = {
    "windows": (
        *(BuiltIn(root=root, eku=eku) for root in (0x06, 0x0E) for eku in (_WINDOWS, _ELAM, _HAL)),
        *_HARDWARE,
        BuiltIn(root=0x0A),
        _MARKETPLACE,
        *(BuiltIn(root=root, eku=_RT, scenarios=_USER) for root in (0x06, 0x0E, 0x07)),
        BuiltIn(root=0x0C, scenarios=_USER),
        BuiltIn(root=0x06, eku=_CODE_GENERATOR, scenarios=_USER),
        BuiltIn(root=0x07, eku=_ANTIMALWARE, scenarios=_USER),
    ),
    "microsoft": (
        *(BuiltIn(root=root) for root in (0x04, 0x05, 0x06, 0x07, 0x08, 0x0C, 0x0E, 0x0A)),
        _MARKETPLACE,
    ),
    "store": (_MARKETPLACE, BuiltIn(root=0x0E, eku=_STORE, scenarios=_USER)),
    "whql": _HARDWARE,
}
"""Set → its signers. ``windows`` holds ``whql``, as Windows brings drivers of others."""

STARTS = frozenset({"windows", "microsoft"})
"""The sets with which an enforced machine starts."""


def built_in(names: Iterable[str], scenario: int) -> tuple[BuiltIn, ...]:
    """The signers of the sets in a scenario, each once."""
    found = (item for name in names for item in SETS[name] if scenario in item.scenarios)
    return tuple(dict.fromkeys(found))
