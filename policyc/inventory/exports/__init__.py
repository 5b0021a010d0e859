"""Inventories from other tools' exports: osquery, Defender for Endpoint, CycloneDX.

What an export does not say stays UNKNOWN; nothing is guessed from what is missing. The one
thing taken from a name is the kind of program that an extension stands for on Windows, as
no export states it and a file whose kind is not known would belong to no collection.
"""

from __future__ import annotations

from policyc.inventory.exports.read import EXPORTS, ExportError, read_export

__all__ = ["EXPORTS", "ExportError", "read_export"]
