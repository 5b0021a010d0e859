"""Bytes to FileFacts: one module a format, bounded, never raising for what a file contains.

The format libraries are imported when a file of their format is met, and this package imports
nothing by itself, so that who reads no file pays for no reader.
"""
