"""Hostile SiPolicy XML: mutated documents are read with their problems, or refused."""

from __future__ import annotations

import contextlib

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from policyc.targets.base import ArtifactError
from policyc.targets.wdac.build import BuildError, build
from policyc.targets.wdac.decode import decode
from policyc.targets.wdac.lint import lint_document
from policyc.targets.wdac.read import read_xml
from policyc.targets.wdac.write import write_xml
from tests.requires import SHARED, absent

COMMON = settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow])
PIECES = [
    b"",
    b'"',
    b"<",
    b"/>",
    b"<Allow/>",
    b"<Signer/>",
    b"<SigningScenario/>",
    b'<CertEKU ID="x"/>',
    b"<Setting/>",
    b"<Option/>",
    b'Hash="0"',
    b"99999999999999999999",
    b"&#9;",
    b"&amp;",
    b"\xff",
    b"<!--x-->",
    b"<?x?>",
    b"&x;",
]


def document() -> bytes:
    paths = sorted((SHARED / "wdac" / "policies").glob("*FullCoverage.Base*"))
    if not paths:
        absent("test data wdac/policies")
    return paths[0].read_bytes()


@COMMON
@given(data=st.data())
def test_a_mutated_document_is_read_or_refused(data: st.DataObject) -> None:
    body = bytearray(document())
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(body) - 1))
        length = data.draw(st.integers(0, 12))
        body[at : at + length] = data.draw(st.sampled_from(PIECES) | st.binary(max_size=4))
    try:
        found = read_xml(bytes(body))
    except ArtifactError:
        return
    again = read_xml(write_xml(found.policy)).policy
    assert write_xml(again) == write_xml(found.policy)
    lint_document(found)
    with contextlib.suppress(BuildError):
        decode(build(found.policy))
