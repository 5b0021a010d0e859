"""The inventory table: scanning trees into it, writing it, reading it."""

from __future__ import annotations

from policyc.inventory.parquet import InventoryError
from policyc.inventory.scan import ScanSummary, scan
from policyc.inventory.table import read_inventory, write_inventory
from policyc.inventory.worker import ScanOptions

__all__ = [
    "InventoryError",
    "ScanOptions",
    "ScanSummary",
    "read_inventory",
    "scan",
    "write_inventory",
]
