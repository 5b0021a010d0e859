"""Every way in which a target can fail to mean what the baseline says, by code.

``LOSSES`` is the manual: ``policyc explain L010`` prints the entry, and the documentation
is made from it. A target creates its losses with ``loss``, which counts the files of the
inventory that the loss concerns.
"""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from policyc.model.facts import Collection, FileFacts
from policyc.model.ir import AllOf, PolicyIR, Rule
from policyc.model.known_files import file_index
from policyc.model.loss import Drift, Loss
from policyc.model.span import NOWHERE


@dataclass(frozen=True, slots=True, kw_only=True)
class LossKind:
    """What a code means, whichever target reports it."""

    title: str
    text: str


LOSSES: dict[str, LossKind] = {
    "L001": LossKind(
        title="collection not governed",
        text="The baseline governs a rule collection that the target cannot govern, so files "
        "of that collection run there whatever the baseline says. Say what you ask of the "
        "target with `targets.<name>.collections`, or accept the loss.",
    ),
    "L002": LossKind(
        title="collection governed as well",
        text="The target cannot leave a collection alone that the baseline does not govern: it "
        "denies files there unless a rule permits them.",
    ),
    "L003": LossKind(
        title="rule applies to more collections",
        text="The target cannot limit a rule to the collections the baseline names; the rule "
        "applies to all that the target governs with it.",
    ),
    "L004": LossKind(
        title="one enforcement mode for all collections",
        text="The baseline audits some collections and enforces others, and the target has one "
        "mode. Everything is audited.",
    ),
    "L010": LossKind(
        title="permit expanded to hashes",
        text="The target has no such condition. The files of the inventory that satisfy it are "
        "permitted by hash; other files that satisfy it, such as the next version, are denied.",
    ),
    "L011": LossKind(
        title="place expanded to hashes",
        text="The rule depends on where a file is, what it is called or who delivered it, and the "
        "target can only name the content: the same bytes get the same decision elsewhere. A "
        "permit then reaches further than the baseline, a forbid denies more.",
    ),
    "L012": LossKind(
        title="forbid expanded to hashes",
        text="The target has no such condition. The files of the inventory that satisfy it are "
        "forbidden by hash; a file that satisfies it and is not in the inventory is decided by "
        "the other rules.",
    ),
    "L013": LossKind(
        title="named by Authenticode hash",
        text="The target names PE files by Authenticode hash, which leaves out the checksum and "
        "the certificate table. A file with other bytes there gets the same decision: one with "
        "another signature, or with none.",
    ),
    "L014": LossKind(
        title="file cannot be named by hash",
        text="The inventory does not hold the hash that the target needs for this file.",
    ),
    "L015": LossKind(
        title="path of another platform",
        text="The rule names a path that cannot exist on the target's platform. Limit the rule "
        "with `platforms`, or write one rule a platform.",
    ),
    "L016": LossKind(
        title="signer expanded to certificates",
        text="The target cannot match the signer as the baseline names it. The signing "
        "certificates seen in the inventory stand in for it; a renewed certificate does not "
        "match until the policy is compiled again. Where their issuer and common name stand in "
        "(targets.wdac.publishers: issuer), another organisation of that name matches too.",
    ),
    "L017": LossKind(
        title="path rule ignored where users can write",
        text="App Control ignores a path rule at run time when somebody who is not an "
        "administrator can write to the path. A permit is then narrower than the baseline.",
    ),
    "L018": LossKind(
        title="path pattern approximated",
        text="The target's wildcard crosses directory separators, the baseline's `*` does not.",
    ),
    "L019": LossKind(
        title="product needs a signature",
        text="The target reads product names only from signed files: unsigned files with the "
        "same version resource are not matched.",
    ),
    "L021": LossKind(
        title="path decided after identity",
        text="Santa looks at path expressions only when no identity rule matches, so an identity "
        "permit wins over a forbidden path.",
    ),
    "L022": LossKind(
        title="specific permit beats broad forbid",
        text="Santa lets the most specific rule win, so a permit by a more specific identifier "
        "overrides a forbid by a less specific one.",
    ),
    "L023": LossKind(
        title="runs without a rule",
        text="Santa lets some programs of a Mac run whatever a policy permits. From 2026.5 on that "
        "is all of Apple's own code that no rule forbids, wherever it is; and always, before any "
        "rule is looked at, the programs that macOS and Santa themselves need.",
    ),
    "L024": LossKind(
        title="nothing is permitted",
        text="The policy is enforced and has no permit. A machine that gets it runs nothing but "
        "Apple's own code: no MDM agent, no VPN, nothing to take the policy back with.",
    ),
    "L025": LossKind(
        title="CDHash only where it is enforced",
        text="Santa takes the CDHash of the slice that runs, and only if its flags say hardened "
        "runtime, hard or kill. A file whose other slice has the CDHash is not matched.",
    ),
    "L026": LossKind(
        title="path behind a symbolic link",
        text="The folders tmp, var and etc are links into /private on macOS; Santa sees resolved "
        "paths: the pattern never matches there.",
    ),
    "L027": LossKind(
        title="scripts that are text to fapolicyd",
        text="fapolicyd knows scripts by MIME type. Before 1.4.3 libmagic alone says it: "
        "`#!/usr/bin/dash`, `#!/usr/bin/env -S python3`, an interpreter below /opt and a script "
        "with control characters are not scripts to it, nor is one without an interpreter line "
        "to any daemon. What is text may be read by anything, an interpreter included; to start "
        "it is denied unless it is permitted. The policy governs the ones that every daemon sees.",
    ),
    "L028": LossKind(
        title="what must run is not permitted",
        text="The baseline names programs that must run (targets.santa.must_run), such as the MDM "
        "agent; macOS's MDM client and Santa's system extension always count. A policy that "
        "blocks one of them cannot be taken back from afar.",
    ),
    "L029": LossKind(
        title="elliptic-curve signatures are ignored",
        text="App Control does not verify ECDSA signatures, nor those of RSA keys above 4096 bits: "
        "a file whose signer has such a key is unsigned to it, so a rule by issuer does not match "
        "the file.",
    ),
    "L030": LossKind(
        title="platform code by the signing IDs seen",
        text="Santa has no rule for all of Apple's own code. The signing IDs seen in the inventory "
        "stand in; other programs of Apple's are decided by the other rules.",
    ),
    "L031": LossKind(
        title="named by weaker hashes as well",
        text="Beside the Authenticode SHA-256 of an image the policy holds its SHA-1 or the hash "
        "of its first page, as the baseline asks (targets.wdac.also_hash). Another image with the "
        "same first page, or one made to have the same SHA-1, gets the same decision.",
    ),
    "L032": LossKind(
        title="OEM name inferred",
        text="App Control's CertOemID is taken to be the program name that the signature states "
        "(SpcSpOpusInfo). Open tools and Microsoft's own lists read it so; nothing documents it.",
    ),
    "L033": LossKind(
        title="packaged apps by family only",
        text="A rule on a package family matches every version of it. Once a policy has one, "
        "packaged apps run by such rules only and no longer by their signers.",
    ),
    "L034": LossKind(
        title="packages trusted by the database",
        text="fapolicyd takes its trust from the rpm database, as the baseline asks "
        "(targets.fapolicyd.packages: rpm), so every file of every installed package may run. "
        "No rule of the baseline permits that.",
    ),
    "L035": LossKind(
        title="packages through the daemon's filter",
        text="Of the packages in the rpm database fapolicyd trusts the files that its own filter "
        "includes; the usual one leaves out most of /usr/share and /usr/src. Other packaged files "
        "are denied unless another rule permits them.",
    ),
    "L036": LossKind(
        title="forbids block in audit mode, too",
        text="Santa's Monitor mode lets run what no rule is about, but a block rule and a blocked "
        "path block in every mode. To block nothing yet, compile the baseline without its "
        "forbids.",
    ),
    "L040": LossKind(
        title="principals not expressible",
        text="The target cannot limit a rule to these users, groups or programs. A permit is not "
        "for them; a forbid applies to everybody.",
    ),
    "L051": LossKind(
        title="Windows itself is not permitted",
        text="The policy is enforced and no permit can cover the files of Windows. A machine that "
        "gets it does not start. Audit first, and permit C:\\Windows or its signers.",
    ),
    "L052": LossKind(
        title="boot drivers are not permitted",
        text="Drivers are enforced and no permit is about who signs them. A machine whose first "
        "drivers are blocked does not start.",
    ),
    "L053": LossKind(
        title="built-in signers permitted",
        text="The policy allows what Windows, Microsoft, the Store or WHQL sign, as the baseline "
        "asks for under targets.wdac.signer_sets; no rule of the baseline permits those files. A "
        "file that does not carry its root is not decided here: its chain is not proof enough.",
    ),
    "L054": LossKind(
        title="forbid in a supplemental policy",
        text="Windows ignores what a supplemental policy denies; only its base policy can deny.",
    ),
    "L055": LossKind(
        title="somebody else may allow",
        text="With option 13 what a managed installer wrote may run, with option 14 what "
        "Microsoft's reputation service knows. Who that is about no inventory shows, so no file is "
        "decided by it here.",
    ),
    "L056": LossKind(
        title="a tagging policy blocks nothing",
        text="An AppID tagging policy marks the processes of what it permits, for firewall rules "
        "and the like. Every file runs.",
    ),
    "L057": LossKind(
        title="supplemental without a base",
        text="A supplemental policy counts only beside the base policy that it names.",
    ),
    "L058": LossKind(
        title="policy above the size limit",
        text="The base policy is larger than the limit, because what denies, and signers with "
        "exceptions, must stay in it. Deploy it otherwise than by Intune, or shorten the baseline.",
    ),
    "L059": LossKind(
        title="fs-verity must be enabled",
        text="IPE knows a file by its fs-verity digest, which the kernel has only of files that "
        "fs-verity is enabled for. A permitted file without it is denied; run `fsverity enable` on "
        "each file, on a file system that supports it.",
    ),
}


def loss(
    code: str,
    drift: Drift,
    *,
    target: str,
    covers: tuple[AllOf, ...],
    files: tuple[FileFacts, ...],
    message: str,
    remedy: str,
    rule: Rule | None = None,
    policy: PolicyIR | None = None,
    collections: AbstractSet[Collection] = frozenset(Collection),
    grave: bool = False,
) -> Loss:
    """Make a Loss of a known code; raises KeyError for an unknown one.

    ``files`` are the inventory's files that the target would be asked about. With no
    ``covers`` the loss explains no difference and all of ``files`` count as hits.
    """
    LOSSES[code]
    concerned = file_index(files).covered(covers) if covers else files
    hits = sum(facts.collection in collections for facts in concerned)
    origin = rule.origin if rule is not None else policy.origin if policy is not None else NOWHERE
    return Loss(
        code=code,
        target=target,
        drift=drift,
        message=message,
        remedy=remedy,
        covers=covers,
        collections=frozenset(collections),
        rule=None if rule is None else rule.id,
        rule_name="" if rule is None else rule.name,
        inventory_hits=hits,
        origin=origin,
        grave=grave,
    )
