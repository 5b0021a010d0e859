"""MD2 (RFC 1319): some roots that App Control policies name are signed with it."""

from __future__ import annotations

from functools import cache


def _pi_digits(count: int) -> list[int]:
    """Return the first ``count`` decimal digits of pi (Gibbons' spigot)."""
    digits: list[int] = []
    q, r, t, k, n, m = 1, 0, 1, 1, 3, 3
    while len(digits) < count:
        if 4 * q + r - t < n * t:
            digits.append(n)
            q, r, n = 10 * q, 10 * (r - n * t), 10 * (3 * q + r) // t - 10 * n
        else:
            q, r, t, k, n, m = (
                q * k,
                (2 * q + r) * m,
                t * m,
                k + 1,
                (q * (7 * k + 2) + r * m) // (t * m),
                m + 2,
            )
    return digits


@cache
def _substitution() -> bytes:
    """Return MD2's table: a shuffle of 0…255 driven by the digits of pi (RFC 1319, 3.2)."""
    digits = iter(_pi_digits(800))

    def below(limit: int) -> int:
        """Draw a number in [0, limit), rejecting draws that would favour small numbers."""
        while True:
            width, value = 10, next(digits)
            if limit > 10:
                width, value = 100, value * 10 + next(digits)
            if limit > 100:
                width, value = 1000, value * 10 + next(digits)
            if value < limit * (width // limit):
                return value % limit

    table = list(range(256))
    for index in range(1, 256):
        other = below(index + 1)
        table[index], table[other] = table[other], table[index]
    return bytes(table)


def md2(data: bytes) -> bytes:
    """Return the 16-byte MD2 digest of ``data``."""
    table = _substitution()
    padding = 16 - len(data) % 16
    data += bytes([padding]) * padding
    checksum = bytearray(16)
    last = 0
    for start in range(0, len(data), 16):
        for index in range(16):
            checksum[index] ^= table[data[start + index] ^ last]
            last = checksum[index]
    data += checksum
    state = bytearray(48)
    for start in range(0, len(data), 16):
        block = data[start : start + 16]
        state[16:32] = block
        state[32:48] = bytes(a ^ b for a, b in zip(block, state[:16], strict=True))
        carry = 0
        for step in range(18):
            for index in range(48):
                state[index] ^= table[carry]
                carry = state[index]
            carry = (carry + step) & 0xFF
    return bytes(state[:16])
