"""fapolicyd's MIME types for files that are not ELF."""

from __future__ import annotations

import pytest

from policyc.model.facts import UNKNOWN, Fact
from policyc.readers.ftype import of_bytes


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        (b"", "application/x-empty"),
        (b"#!/bin/sh\n", "text/x-shellscript"),
        (b"#!/usr/bin/env\tpython3.11 -u\n", "text/x-python"),
        (b"#!  /usr/bin/perl -w\r\n", "text/x-perl"),
        (b"#!/usr/bin/python3", "text/x-python"),
        (b"#!/bin/sh\n" + b"x" * 1000 + b"\x1b\xff\n", "text/x-shellscript"),
        # Text to the daemons that ask libmagic alone, a script to those that do not.
        (b"#!/usr/bin/env -S python3.11 -u\n", UNKNOWN),
        (b"#!/usr/bin/env -i python3\n", UNKNOWN),
        (b"#! /usr/bin/perl5.36 -w\n", UNKNOWN),
        (b"#!/usr/bin/dash\n", UNKNOWN),
        (b"#!/opt/venv/bin/python3\n", UNKNOWN),
        (b"#!python3\n", UNKNOWN),
        (b"#!/usr/bin/python3-evil\n", UNKNOWN),
        (b"#!/usr/bin/python3\n#\x01\n", UNKNOWN),
        (b"#!/bin/sh\n" + b"x" * 1000 + b"\0", UNKNOWN),
        (b"#!/usr/bin/node\n", "application/javascript"),
        (b"#!/usr/bin/fish\n", UNKNOWN),
        (b"#!/usr/bin/php8.2\n", "text/x-php"),
        (b"#!/usr/bin/tclsh\n", UNKNOWN),
        (b"#!/usr/bin/awk -f\n", UNKNOWN),
        (b"\x89PNG\r\n\x1a\n", "image/png"),
        (b"\xff\xd8\xff\xe0", "image/jpeg"),
        (b"GIF89a", "image/gif"),
        (b"\x1f\x8b\x08\0", "application/gzip"),
        (b"\xa7\x0d\r\n" + bytes(12), "application/x-bytecode.python"),
        (b"\xef\xbb\xbf\n<!DOCTYPE HTML>", "text/html"),
        (b"<html>", "text/html"),
        (b"<?xml version='1.0'?>", "application/xml"),
        (b'{"a": 1}', "application/json"),
        (b"plain words\n", UNKNOWN),
        (b"<html>\x01", UNKNOWN),
        (b"MZ\x90\0", UNKNOWN),
    ],
)
def test_of_bytes(head: bytes, expected: Fact[str]) -> None:
    assert of_bytes(head, len(head)) == expected
