"""A second opinion: what independent libraries say about a file that was read.

LIEF for PE and Mach-O, pefile for the version resource, pyelftools for ELF, macholib for
Mach-O headers. They are slower than the readers and are asked only here, so that a reader
and its witness share no code. Known differences of opinion are not reported: LIEF does not
pad unsigned images, and it cannot read some PKCS #7 content types that others can.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from policyc.model.facts import ElfKind, FileFacts, MachoKind, PeKind, Unknown

_REFUSALS = (
    ArithmeticError,
    AttributeError,
    AssertionError,
    LookupError,
    OSError,
    RuntimeError,
    TypeError,
    ValueError,
)
"""What the libraries raise on files they cannot read."""


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Disagreement:
    """A fact on which a library differs from the reader; values are printed forms."""

    tool: str
    fact: str
    ours: str
    theirs: str


def cross_check(path: str | os.PathLike[str] | bytes, facts: FileFacts) -> tuple[Disagreement, ...]:
    """Compare ``facts`` with what the libraries read from ``path``; sorted, empty if all agree.

    A library that cannot read the file disagrees about ``readable``.
    """
    name = os.fsdecode(path)
    opinions: list[tuple[str, Callable[[str, FileFacts], Iterator[Disagreement]]]] = []
    if facts.pe is not None:
        opinions = [("lief", _pe_by_lief), ("pefile", _pe_by_pefile)]
    elif facts.elf is not None:
        opinions = [("pyelftools", _elf_by_pyelftools)]
    elif facts.macho is not None:
        opinions = [("lief", _macho_by_lief), ("macholib", _macho_by_macholib)]
    found: list[Disagreement] = []
    for tool, ask in opinions:
        try:
            with warnings.catch_warnings(action="ignore"):
                found.extend(ask(name, facts))
        except _REFUSALS as error:
            refusal = f"{type(error).__name__}: {' '.join(str(error).split())[:120]}"
            found.append(Disagreement(tool=tool, fact="readable", ours="True", theirs=refusal))
    return tuple(sorted(found))


def _differ(tool: str, pairs: dict[str, tuple[object, object]]) -> Iterator[Disagreement]:
    for fact, (ours, theirs) in pairs.items():
        if ours != theirs:
            yield Disagreement(tool=tool, fact=fact, ours=str(ours), theirs=str(theirs))


def _lief() -> Any:  # noqa: ANN401  (the module is not typed)
    import lief  # noqa: PLC0415  (takes 100 ms)

    lief.logging.disable()
    return lief


def _pe_by_lief(path: str, facts: FileFacts) -> Iterator[Disagreement]:
    lief = _lief()
    image = lief.PE.parse(path)
    if image is None:
        raise ValueError("LIEF does not read it as PE")
    pe, hashes = facts.pe, facts.hashes
    if pe is None:
        return
    library = bool(int(image.header.characteristics) & 0x2000)
    pairs: dict[str, tuple[object, object]] = {
        "machine": (pe.machine, int(image.header.machine)),
        "subsystem": (pe.subsystem, int(image.optional_header.subsystem)),
        "section_alignment": (pe.section_alignment, image.optional_header.section_alignment),
    }
    if pe.kind in (PeKind.EXECUTABLE, PeKind.LIBRARY):
        pairs["library"] = (pe.kind is PeKind.LIBRARY, library)
    signed = not isinstance(facts.signatures, Unknown) and bool(facts.signatures)
    if signed or facts.size % 8 == 0:
        algorithms = lief.PE.ALGORITHMS
        for fact, ours, algorithm in (
            ("authenticode_sha256", hashes.authenticode_sha256, algorithms.SHA_256),
            ("authenticode_sha1", hashes.authenticode_sha1, algorithms.SHA_1),
        ):
            pairs[fact] = (str(ours), bytes(image.authentihash(algorithm)).hex())
    if signed and not isinstance(facts.signatures, Unknown):
        leaves = {str(item.leaf.sha256) for item in facts.signatures if item.leaf is not None}
        theirs = {_lief_leaf(item) for item in image.signatures} - {""}
        if theirs:
            pairs["leaves"] = (sorted(theirs - leaves), [])
    yield from _differ("lief", pairs)


def _lief_leaf(signature: Any) -> str:  # noqa: ANN401
    import hashlib  # noqa: PLC0415

    for signer in signature.signers:
        if signer.cert is not None:
            return hashlib.sha256(bytes(signer.cert.raw)).hexdigest()
    return ""


def _pe_by_pefile(path: str, facts: FileFacts) -> Iterator[Disagreement]:
    import pefile  # noqa: PLC0415

    try:
        image = pefile.PE(path, fast_load=True)
    except pefile.PEFormatError as error:
        raise ValueError(str(error)) from error
    with image:
        image.parse_data_directories(directories=[2])
        pe = facts.pe
        if pe is None or isinstance(facts.version_info, Unknown):
            return
        info = facts.version_info
        fixed = getattr(image, "VS_FIXEDFILEINFO", None)
        version = fixed[0].FileVersionMS << 32 | fixed[0].FileVersionLS if fixed else None
        ours = info.file_version.value if info is not None and info.file_version else None
        yield from _differ(
            "pefile",
            {
                "machine": (pe.machine, image.FILE_HEADER.Machine),
                "subsystem": (pe.subsystem, image.OPTIONAL_HEADER.Subsystem),
                "file_version": (ours, version),
            },
        )


def _elf_by_pyelftools(path: str, facts: FileFacts) -> Iterator[Disagreement]:
    from elftools.common.exceptions import ELFError  # noqa: PLC0415
    from elftools.elf.elffile import ELFFile  # noqa: PLC0415

    if facts.elf is None:
        return
    with open(path, "rb") as stream:  # noqa: PTH123  (the path may hold surrogates)
        try:
            pairs = _pyelftools_pairs(ELFFile(stream), facts)
        except ELFError as error:
            raise ValueError(str(error)) from error
    yield from _differ("pyelftools", pairs)


def _pyelftools_pairs(image: Any, facts: FileFacts) -> dict[str, tuple[object, object]]:  # noqa: ANN401
    elf = facts.elf
    assert elf is not None
    kinds = {
        "ET_EXEC": (ElfKind.EXECUTABLE,),
        "ET_DYN": (ElfKind.PIE, ElfKind.SHARED),
        "ET_REL": (ElfKind.OBJECT,),
        "ET_CORE": (ElfKind.CORE,),
    }
    interpreter, needed, dynamic = None, [], False
    for segment in image.iter_segments():
        if segment.header.p_type == "PT_INTERP" and interpreter is None:
            interpreter = segment.get_interp_name()
        if segment.header.p_type == "PT_DYNAMIC" and not dynamic:
            dynamic = True
            needed = [tag.needed for tag in segment.iter_tags("DT_NEEDED")]
    return {
        "bits": (elf.bits, image.elfclass),
        "machine": (elf.machine, image.header.e_machine)
        if isinstance(image.header.e_machine, int)
        else (elf.machine, _machine_number(image.header.e_machine)),
        "kind": (True, elf.kind in kinds.get(image.header.e_type, (ElfKind.OTHER,))),
        "interpreter": (elf.interpreter, interpreter),
        "needed": (elf.needed, tuple(needed)),
        "static": (elf.static, interpreter is None and not dynamic),
    }


def _machine_number(name: str) -> int:
    from elftools.elf.enums import ENUM_E_MACHINE  # noqa: PLC0415

    return int(ENUM_E_MACHINE[name])


_MACHO_KINDS = {
    1: MachoKind.OBJECT,
    2: MachoKind.EXECUTABLE,
    6: MachoKind.DYLIB,
    7: MachoKind.DYLINKER,
    8: MachoKind.BUNDLE,
    11: MachoKind.KEXT,
}


def _macho_by_lief(path: str, facts: FileFacts) -> Iterator[Disagreement]:
    lief = _lief()
    image = lief.MachO.parse(path)
    if image is None:
        raise ValueError("LIEF does not read it as Mach-O")
    if facts.macho is None:
        return
    ours = sorted((piece.kind.value, piece.grade is not None) for piece in facts.macho.slices)
    theirs = sorted(
        (
            _MACHO_KINDS.get(int(piece.header.file_type), MachoKind.OTHER).value,
            piece.has_code_signature,
        )
        for piece in image
    )
    yield from _differ("lief", {"slices": (ours, theirs)})


def _macho_by_macholib(path: str, facts: FileFacts) -> Iterator[Disagreement]:
    from macholib.mach_o import LC_CODE_SIGNATURE  # noqa: PLC0415
    from macholib.MachO import MachO  # noqa: PLC0415

    if facts.macho is None:
        return
    ours = sorted((piece.kind.value, piece.grade is not None) for piece in facts.macho.slices)
    theirs = sorted(
        (
            _MACHO_KINDS.get(int(piece.header.filetype), MachoKind.OTHER).value,
            any(command[0].cmd == LC_CODE_SIGNATURE for command in piece.commands),
        )
        for piece in MachO(path).headers
    )
    yield from _differ("macholib", {"slices": (ours, theirs)})
