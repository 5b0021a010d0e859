"""Icons decoded here against Pillow, and the check that compares them."""

from __future__ import annotations

import io
import random
import struct
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policyc.checks import check_file
from policyc.checks.icons import IconsError, KnownIcon, read_icons, use_icons
from policyc.model.facts import Trait
from policyc.readers.file import read_bytes
from policyc.readers.icon import decode, difference_hash, distance
from tests.corpus import build
from tests.requires import require_module


def _picture(mode: str, side: tuple[int, int]) -> Any:
    chance = random.Random(f"{mode}{side}")  # noqa: S311
    image = require_module("PIL.Image")
    channels = len(image.new(mode, (1, 1)).getbands())
    data = bytes(chance.randrange(256) for _ in range(side[0] * side[1] * channels))
    return image.frombytes(mode, side, data)


def _expected(picture: Any) -> list[list[int]]:
    image = require_module("PIL.Image")
    ground = image.new("RGBA", picture.size, (255, 255, 255, 255))
    ground.alpha_composite(picture.convert("RGBA"))
    grey = ground.convert("L").tobytes()
    width = picture.size[0]
    return [list(grey[at : at + width]) for at in range(0, len(grey), width)]


def _close(mine: list[list[int]] | None, theirs: list[list[int]]) -> bool:
    assert mine is not None
    return [len(row) for row in mine] == [len(row) for row in theirs] and all(
        abs(one - other) <= 2
        for row, line in zip(mine, theirs, strict=True)
        for one, other in zip(row, line, strict=True)
    )


@pytest.mark.parametrize("mode", ["RGBA", "RGB", "L", "LA", "P"])
@pytest.mark.parametrize("side", [(1, 1), (16, 16), (33, 7), (64, 48)])
def test_png_is_decoded_as_pillow_does(mode: str, side: tuple[int, int]) -> None:
    picture = _picture("L" if mode == "P" else mode, side)
    if mode == "P":
        picture = picture.convert("P")
    stream = io.BytesIO()
    picture.save(stream, "PNG", bits=8)
    assert _close(decode(stream.getvalue()), _expected(picture))


@pytest.mark.parametrize("depth", [1, 4, 8, 24, 32])
@pytest.mark.parametrize("side", [(16, 16), (32, 32), (48, 48)])
def test_bitmaps_are_decoded_as_pillow_does(depth: int, side: tuple[int, int]) -> None:
    chance = random.Random(f"{depth}{side}")  # noqa: S311
    width, height = side
    colours = 1 << depth if depth <= 8 else 0
    stride = (width * depth + 31) // 32 * 4
    size = 4 * colours + stride * height + (width + 31) // 32 * 4 * height
    head = struct.pack("<IiiHHIIiiII", 40, width, 2 * height, 1, depth, 0, 0, 0, 0, colours, 0)
    data = head + bytes(chance.randrange(256) for _ in range(size))
    icon = struct.pack("<HHH", 0, 1, 1)
    icon += struct.pack("<BBBBHHII", width, height, colours % 256, 0, 1, depth, len(data), 22)
    theirs = require_module("PIL.Image").open(io.BytesIO(icon + data))
    assert _close(decode(data), _expected(theirs))


@given(st.binary(max_size=300))
def test_no_bytes_raise(data: bytes) -> None:
    for head in (b"", b"\x89PNG\r\n\x1a\n", struct.pack("<IiiHHI", 40, 16, 32, 1, 32, 0)):
        decode(head + data)


def test_the_hash_bears_another_size_and_tells_other_pictures_apart() -> None:
    picture = _picture("RGB", (9, 8)).resize((64, 64))
    large = difference_hash(_expected(picture))
    small = difference_hash(_expected(picture.resize((48, 48))))
    other = difference_hash(_expected(_picture("RGBA", (9, 8)).resize((64, 64))))
    assert distance(large, small) <= 6 < distance(large, other)


def test_an_unsigned_program_with_a_documents_icon_is_told() -> None:
    facts = read_bytes(build.pe(), "C:\\a\\tool.exe")
    shown = replace(facts, traits=(Trait(kind="icon", detail="00ff00ff00ff00ff"),))
    try:
        use_icons([KnownIcon(hash="00ff00ff00ff00f0", owner="Acme", name="Acme Reader")])
        (finding,) = check_file(shown)
        assert (finding.code, finding.level.value) == ("M043", "info")
        assert "Acme Reader (4 of 64 bits differ)" in finding.message
        use_icons([KnownIcon(hash="00ff00ff00ff0f00", owner="Acme", name="Acme Reader")])
        assert check_file(shown) == ()
    finally:
        use_icons([])


def test_a_list_of_icons_is_read_with_its_lines(tmp_path: Path) -> None:
    path = tmp_path / "icons.tsv"
    path.write_text("hash\towner\tname\n# ours\n00ff00ff00ff00f0\tAcme\tAcme Reader\n")
    assert read_icons(path) == (
        KnownIcon(hash="00ff00ff00ff00f0", owner="Acme", name="Acme Reader"),
    )
    for text, where in (("owner\n", ":1:"), ("hash\towner\tname\nxyz\ta\tb\n", ":2:")):
        path.write_text(text)
        with pytest.raises(IconsError, match=where):
            read_icons(path)
