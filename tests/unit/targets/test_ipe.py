"""IPE: digests as fsverity-utils computes them, the kernel's grammar, first match wins."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path

import pytest

from policyc.compiler import compile_target, verify_witnesses
from policyc.model.artifact import Artifact
from policyc.model.decision import Verdict
from policyc.model.facts import FileFacts, Platform, Trait
from policyc.model.inventory import Inventory
from policyc.model.ir import AllOf, Effect, HasHash, Rule
from policyc.readers.file import read_file
from policyc.readers.limits import Limits
from policyc.readers.verity import VerityDigest
from policyc.targets import load_target
from policyc.targets.base import ArtifactError
from tests.conformance.probes import file_on, policy_for
from tests.corpus import build

TARGET = load_target("ipe")
FILES = tuple(file_on(Platform.LINUX, number) for number in (1, 2, 3))


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        # fsverity digest --compact of fsverity-utils 1.5, over random.Random(size).randbytes(size)
        (0, "3d248ca542a24fc62d1c43b916eae5016878e2533c88238480b26128a1f1af95"),
        (1, "0edb82071407a15a5898b90f1e04344c59919fe110d15b66d62d9c56525687f5"),
        (4096, "16ad3fec8e3a330a6ab76a2a77e8887aeca515b046846b723551dae7c76c5141"),
        (4097, "c018eb3d709b7668cc72283bb7f1a785b039f549de3d5526581b08599dc5f128"),
        (4096 * 128, "9c1ebb6258016ce42ece00219bcce631c6bb8804c70bf4b135e9a3b1a92c1dd2"),
        (4096 * 128 + 1, "cf3292ef2a818091a16cd982644cd686831129d9f6d4a661201b294c01bef00c"),
        (4096 * 129, "71894cb20fa1656a8f004c61e3a19150f379061e539c1fd14e70d733cbff7236"),
        (4096 * 128 * 128 + 1, "2f9235abfb26665f97d4dd8cf44c1f92ddeef53f992a0f63d8b96bb095aa7b71"),
    ],
)
def test_digests_are_those_of_fsverity_utils(size: int, expected: str) -> None:
    data = random.Random(size).randbytes(size)  # noqa: S311  (no secret)
    tree = VerityDigest()
    for start in range(0, size, 1_000_003):
        tree.update(data[start : start + 1_000_003])
    assert tree.hexdigest() == expected


def test_a_scan_works_the_digest_out_when_asked(tmp_path: Path) -> None:
    path = tmp_path / "tool"
    path.write_bytes(build.elf())
    tree = VerityDigest()
    tree.update(build.elf())
    plain = read_file(path, "/opt/tool")
    asked = read_file(path, "/opt/tool", Limits(fs_verity=True))
    assert isinstance(plain, FileFacts)
    assert isinstance(asked, FileFacts)
    assert not [trait for trait in plain.traits if trait.kind == "fs-verity"]
    assert Trait(kind="fs-verity", detail=tree.hexdigest()) in asked.traits


def by_hash(facts: FileFacts, effect: Effect) -> Rule:
    digest = facts.hashes.sha256
    return Rule(effect=effect, match=AllOf(frozenset({HasHash(digest)})), name="x")  # type: ignore[arg-type]


def test_the_text_is_what_the_kernel_reads() -> None:
    rules = (by_hash(FILES[0], Effect.PERMIT), by_hash(FILES[1], Effect.FORBID))
    result = compile_target(policy_for(TARGET.capabilities, *rules), Inventory(files=FILES), "ipe")
    assert result.failure is None
    assert {loss.code for loss in result.losses} == {"L059"}
    (artifact,) = (item for item in result.artifacts if item.enforced)
    assert artifact.data.decode().splitlines() == [
        "policy_name=Probe policy_version=0.0.1",
        "DEFAULT action=ALLOW",
        "DEFAULT op=EXECUTE action=DENY",
        f"op=EXECUTE fsverity_digest=sha256:{0xF02:064x} action=DENY",
        "op=EXECUTE boot_verified=TRUE action=ALLOW",
        f"op=EXECUTE fsverity_digest=sha256:{0xF01:064x} action=ALLOW",
    ]
    model = TARGET.parse((artifact,))
    verdicts = [TARGET.evaluate(model, facts).verdict for facts in FILES]
    assert verdicts == [Verdict.ALLOW, Verdict.DENY, Verdict.DENY]
    blind = replace(FILES[2], traits=())
    assert TARGET.evaluate(model, blind).verdict is Verdict.UNDETERMINED


def test_content_without_a_digest_is_a_loss() -> None:
    blind = replace(FILES[0], traits=())
    for effect in Effect:
        policy = policy_for(TARGET.capabilities, by_hash(blind, effect))
        result = compile_target(policy, Inventory(files=(blind,)), "ipe")
        assert result.failure is None
        assert {loss.code for loss in result.losses} == {"L014"}


HEADER = "policy_name=p policy_version=1.2.3\n"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "DEFAULT action=ALLOW\n",
        "policy_version=1.2.3 policy_name=p\nDEFAULT action=ALLOW\n",
        "policy_name=p policy_version=1.2.65536\nDEFAULT action=ALLOW\n",
        HEADER,
        HEADER + "DEFAULT op=EXECUTE action=DENY\n",
        HEADER + "DEFAULT action=ALLOW\nDEFAULT action=DENY\n",
        HEADER + "DEFAULT action=ALLOW\naction=DENY op=EXECUTE\n",
        HEADER + "DEFAULT action=ALLOW\nop=execute action=DENY\n",
        HEADER + "DEFAULT action=ALLOW\nop=EXECUTE path=/bin/sh action=DENY\n",
        HEADER + "DEFAULT action=ALLOW\nop=EXECUTE fsverity_digest=sha256:ab action=DENY\n",
    ],
)
def test_what_the_kernel_refuses_is_refused(text: str) -> None:
    with pytest.raises(ArtifactError):
        TARGET.parse((Artifact(name="p", data=text.encode(), media_type="text/plain"),))


def test_comments_and_blanks_are_no_rules() -> None:
    text = f"# one\n\r{HEADER}DEFAULT action=ALLOW # all\n\n op=EXECUTE\taction=DENY  \n"
    model = TARGET.parse((Artifact(name="p", data=text.encode(), media_type="text/plain"),))
    assert TARGET.evaluate(model, FILES[0]).verdict is Verdict.DENY


def test_a_digest_from_nowhere_is_found_without_any_file() -> None:
    rule = by_hash(FILES[0], Effect.PERMIT)
    policy = policy_for(TARGET.capabilities, rule)
    result = compile_target(policy, Inventory(files=FILES), "ipe")
    (artifact,) = (item for item in result.artifacts if item.enforced)
    extra = f"op=EXECUTE fsverity_digest=sha256:{'ab' * 32} action=ALLOW\n".encode()
    edited = replace(artifact, data=artifact.data + extra)
    report = verify_witnesses(policy, Inventory(files=FILES), "ipe", (edited,))
    assert report.wider > 0
    assert report.mismatches
