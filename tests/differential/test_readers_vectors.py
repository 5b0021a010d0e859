"""Published vectors: TBS and first-page hashes of Microsoft's policies, Santa's test data."""

from __future__ import annotations

import base64
import csv
import json

import pytest

from policyc.model.facts import FileFacts
from policyc.model.signatures import SignatureGrade
from policyc.readers import certificates, pe
from policyc.readers.file import read_file
from policyc.readers.limits import Limits
from policyc.readers.source import MemorySource
from tests.requires import require_shared

pytestmark = pytest.mark.oracle


def test_tbs_hashes() -> None:
    vectors = json.loads(require_shared("wdac/tbs-vectors.json").read_text())
    assert len(vectors) == 27
    for vector in vectors:
        found = certificates.parse(base64.b64decode(vector["cert_der_b64"])).facts
        assert str(found.tbs).upper() == vector["tbs"]
        assert found.common_name == vector["cn"]


def test_first_page_hashes() -> None:
    vectors = json.loads(require_shared("wdac/pagehash-vectors.json").read_text())
    assert len(vectors) == 45
    for vector in vectors:
        source = MemorySource(base64.b64decode(vector["first_bytes_b64"]))
        head = pe.header(source, Limits())
        assert head is not None
        found = pe.hashes(source, head)
        assert str(found.page_sha1) == vector["page_sha1"].lower()
        assert str(found.page_sha256) == vector["page_sha256"].lower()


def test_santa_test_data() -> None:
    root = require_shared("santa/santa-testdata")
    with require_shared("santa/santa-testdata.tsv").open(newline="") as stream:
        rows = list(csv.DictReader(stream, delimiter="\t"))
    assert len(rows) > 30
    grades = {"none": None, "adhoc": SignatureGrade.ADHOC, "linker-signed": SignatureGrade.ADHOC}
    grades |= {"apple": SignatureGrade.PRODUCTION}
    for row in rows:
        found = read_file(root / row["path"], "/x")
        assert isinstance(found, FileFacts)
        assert found.macho is not None
        (piece,) = (item for item in found.macho.slices if item.arch == row["arch"])
        assert str(piece.cdhash or "") == row["cdhash"]
        assert str(piece.team or "") == row["team_id"]
        assert str(piece.leaf or "") == row["leaf_sha256"]
        assert piece.platform_binary is (row["platform"] not in ("", "0"))
        assert piece.grade is grades.get(row["signed"], SignatureGrade.DEVELOPMENT)


@pytest.mark.parametrize(
    ("name", "mixed"),
    [
        # MOLCodesignCheckerTest.mm, testAllArchitectures.
        ("yikes-universal", False),
        ("yikes-universal_adhoc", False),
        ("yikes-universal_signed", False),
        ("cal-yikes-universal", True),
        ("cal-yikes-universal_adhoc", True),
        ("cal-yikes-universal_signed", True),
    ],
)
def test_inconsistent_universal_files(name: str, *, mixed: bool) -> None:
    root = require_shared("santa/santa-testdata/Source/common/testdata")
    found = read_file(root / name, "/x")
    assert isinstance(found, FileFacts)
    assert found.macho is not None
    assert found.macho.mixed is mixed
    assert isinstance(found.signatures, tuple)
    assert all(item.grade is SignatureGrade.INVALID for item in found.signatures) or not mixed
