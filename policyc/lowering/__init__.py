"""Passes that every target shares: pure functions from rules to rules and losses."""
