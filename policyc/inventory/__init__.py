"""The inventory table: reading and writing it. ``scan`` fills it, and reads files for that."""

from __future__ import annotations

from policyc.inventory.schema import InventoryError
from policyc.inventory.table import read_inventory, write_inventory

__all__ = ["InventoryError", "read_inventory", "write_inventory"]
