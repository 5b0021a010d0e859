"""Microsoft's well-known roots, by the number a policy names them with.

Source: "Understanding Application Control event tags" for the numbers and names; the TBS
hashes and common names are facts of the public root certificates.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class WellKnownRoot:
    """A root; ``tbs`` is lower-case hexadecimal, ``common_name`` its subject's.

    Either is None where no public source gives it.
    """

    name: str
    tbs: str | None = None
    common_name: str | None = None


_NAMES = {
    0x00: ("None", None),
    0x01: ("Unknown", None),
    0x02: ("Self-signed", None),
    0x03: ("Microsoft Authenticode Root", "Microsoft Authenticode(tm) Root Authority"),
    0x04: ("Microsoft Product Root 1997", "Microsoft Root Authority"),
    0x05: ("Microsoft Product Root 2001", "Microsoft Root Certificate Authority"),
    0x06: ("Microsoft Product Root 2010", "Microsoft Root Certificate Authority 2010"),
    0x07: ("Microsoft Standard Root 2011", "Microsoft Root Certificate Authority 2011"),
    0x08: ("Microsoft Code Verification Root 2006", "Microsoft Code Verification Root"),
    0x09: ("Microsoft Test Root 1999", "Microsoft Test Root Authority"),
    0x0A: ("Microsoft Test Root 2010", "Microsoft Testing Root Certificate Authority 2010"),
    0x0B: ("DMD Test Root", None),
    0x0C: ("DMD Root 2005", "Microsoft Digital Media Authority 2005"),
    0x0D: ("DMD Preview Root", None),
    0x0E: ("Microsoft Flight Root 2014", "Microsoft Development Root Certificate Authority 2014"),
    0x0F: ("Third-party Marketplace Root", "Microsoft Corporation Third Party Marketplace Root"),
    0x10: ("ECC Testing Root", None),
    0x11: ("ECC Development Root", None),
    0x12: ("ECC Product Root", None),
    0x13: ("ECC Flight Root", None),
    0x14: ("Trusted Root Store", None),
    0x15: ("OEM Root 2017", None),
    0x16: (
        "Identity Verification Root 2020",
        "Microsoft Identity Verification Root Certificate Authority 2020",
    ),
}
_TBS = {
    0x03: "d67576f5521d1ccab52e9215e0f9f743",
    0x04: "8b3c3087b7056f5ec5ddba91a1b901f0",
    0x05: "391be92883d52509155bfeae27b9bd340170b76b",
    0x06: "08fba831c08544208f5208686b991ca1b2cfc510e7301784ddf1eb5bf0393239",
    0x07: "279cd652c4e252bfbe5217ac722205d7729ba409148cfa9e6d9e5b1cb94eaff1",
    0x09: "09cbafbd98e81b4d6baaab32b8b2f5d7",
    0x0A: "7a4d9890b0f9006a6f77472d50d83ca54975fcc2b7ea0563490134e19b78782a",
    0x0E: "ed55f82e1444f79ca9dce826846fdc4e0ea3859e3d26efef412d2fff0c7c8e6c",
}

ROOTS: dict[int, WellKnownRoot] = {
    number: WellKnownRoot(name=name, tbs=_TBS.get(number), common_name=common_name)
    for number, (name, common_name) in _NAMES.items()
}
"""Number → root."""
