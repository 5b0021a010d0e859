"""The inventory table: scanning trees into it, writing it, reading it."""

from __future__ import annotations

from policyc.inventory.scan import ScanOptions, ScanSummary, scan
from policyc.inventory.table import InventoryError, read_inventory, write_inventory

__all__ = [
    "InventoryError",
    "ScanOptions",
    "ScanSummary",
    "read_inventory",
    "scan",
    "write_inventory",
]
