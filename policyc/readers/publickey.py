"""Verifying signatures with a public key: RSA PKCS #1 v1.5 (RFC 8017) and ECDSA (FIPS 186-5).

Nothing here is secret, so plain integers are enough and a scan needs no crypto library.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from policyc.readers import der
from policyc.readers.reader import MalformedError

_MAX_RSA_BITS = 16384
_MAX_EXPONENT_BITS = 64

_DIGEST_INFO = {
    "md2": bytes.fromhex("3020300c06082a864886f70d020205000410"),
    "md5": bytes.fromhex("3020300c06082a864886f70d020505000410"),
    "sha1": bytes.fromhex("3021300906052b0e03021a05000414"),
    "sha256": bytes.fromhex("3031300d060960864801650304020105000420"),
    "sha384": bytes.fromhex("3041300d060960864801650304020205000430"),
    "sha512": bytes.fromhex("3051300d060960864801650304020305000440"),
}
"""DER prefixes of DigestInfo with NULL parameters, RFC 8017 section 9.2 note 1."""

_BARE_DIGEST_INFO = {
    "sha1": bytes.fromhex("301f300706052b0e03021a0414"),
    "sha256": bytes.fromhex("302f300b0609608648016503040201" + "0420"),
}
"""The same without parameters, which verifiers accept too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RsaKey:
    """An RSA public key."""

    modulus: int
    exponent: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """A short Weierstrass curve y² = x³ − 3x + b over a prime field, with its base point."""

    p: int
    b: int
    n: int
    g: tuple[int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class EcKey:
    """A point on a curve."""

    curve: Curve
    x: int
    y: int


PublicKey: TypeAlias = RsaKey | EcKey


def _hex(text: str) -> int:
    return int(text.replace(" ", ""), 16)


CURVES = {
    "secp256r1": Curve(
        p=2**256 - 2**224 + 2**192 + 2**96 - 1,
        b=_hex("5ac635d8aa3a93e7b3ebbd55769886bc651d06b0cc53b0f63bce3c3e27d2604b"),
        n=_hex("ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551"),
        g=(
            _hex("6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296"),
            _hex("4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5"),
        ),
    ),
    "secp384r1": Curve(
        p=2**384 - 2**128 - 2**96 + 2**32 - 1,
        b=_hex(
            "b3312fa7e23ee7e4988e056be3f82d19181d9c6efe8141120314088f5013875a"
            "c656398d8a2ed19d2a85c8edd3ec2aef"
        ),
        n=_hex(
            "ffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf"
            "581a0db248b0a77aecec196accc52973"
        ),
        g=(
            _hex(
                "aa87ca22be8b05378eb1c71ef320ad746e1d3b628ba79b9859f741e082542a38"
                "5502f25dbf55296c3a545e3872760ab7"
            ),
            _hex(
                "3617de4a96262c6f5d9e98bf9292dc29f8f41dbd289a147ce9da3113b5f0b8c0"
                "0a60b1ce1d7e819d7a431d7c90ea0e5f"
            ),
        ),
    ),
}
"""The curves code signing uses, SEC 2 section 2."""


def verify(key: PublicKey, algorithm: str, digest: bytes, signature: bytes) -> bool:
    """Whether ``signature`` is ``key``'s over a message with this ``digest``.

    ``algorithm`` is the digest's hashlib name (or ``md2``). Raises MalformedError for a
    digest or a key that is not supported.
    """
    if isinstance(key, RsaKey):
        return _verify_rsa(key, algorithm, digest, signature)
    return _verify_ecdsa(key, digest, signature)


def _verify_rsa(key: RsaKey, algorithm: str, digest: bytes, signature: bytes) -> bool:
    bits = key.modulus.bit_length()
    if not 512 <= bits <= _MAX_RSA_BITS or key.exponent.bit_length() > _MAX_EXPONENT_BITS:
        raise MalformedError(f"RSA key of {bits} bits is not supported")
    if algorithm not in _DIGEST_INFO:
        raise MalformedError(f"RSA with {algorithm} is not supported")
    size = (bits + 7) // 8
    value = int.from_bytes(signature, "big")
    if len(signature) != size or value >= key.modulus or key.exponent < 3:
        return False
    message = pow(value, key.exponent, key.modulus).to_bytes(size, "big")
    prefixes = [_DIGEST_INFO[algorithm]]
    if algorithm in _BARE_DIGEST_INFO:
        prefixes.append(_BARE_DIGEST_INFO[algorithm])
    for prefix in prefixes:
        info = prefix + digest
        padding = size - len(info) - 3
        if padding >= 8 and message == b"\0\1" + b"\xff" * padding + b"\0" + info:
            return True
    return False


def _verify_ecdsa(key: EcKey, digest: bytes, signature: bytes) -> bool:
    curve = key.curve
    r, s = _ecdsa_pair(signature)
    if not (0 < r < curve.n and 0 < s < curve.n):
        return False
    left = key.y * key.y % curve.p
    right = (key.x**3 - 3 * key.x + curve.b) % curve.p
    if not (key.x < curve.p and key.y < curve.p) or left != right:
        return False
    size = (curve.n.bit_length() + 7) // 8
    e = int.from_bytes(digest[:size], "big")
    inverse = pow(s, -1, curve.n)
    point = _shamir(curve, e * inverse % curve.n, r * inverse % curve.n, (key.x, key.y))
    if point[2] == 0:
        return False
    z = pow(point[2], -1, curve.p)
    return point[0] * z * z % curve.p % curve.n == r


def _ecdsa_pair(signature: bytes) -> tuple[int, int]:
    pair = der.expect(der.element(signature), der.SEQUENCE, "ECDSA signature")
    if len(pair) != 2 or any(item.tag != der.INTEGER or len(item.content) > 80 for item in pair):
        raise MalformedError("ECDSA signature: not two integers")
    return int.from_bytes(pair[0].content, "big"), int.from_bytes(pair[1].content, "big")


_Point: TypeAlias = tuple[int, int, int]


def _shamir(curve: Curve, u: int, v: int, q: tuple[int, int]) -> _Point:
    """Return u·G + v·Q in Jacobian coordinates, both multiples in one pass over the bits."""
    g: _Point = (*curve.g, 1)
    other: _Point = (*q, 1)
    both = _add(curve, g, other)
    result: _Point = (1, 1, 0)
    for bit in range(max(u.bit_length(), v.bit_length()) - 1, -1, -1):
        result = _double(curve, result)
        match (u >> bit & 1, v >> bit & 1):
            case (1, 1):
                result = _add(curve, result, both)
            case (1, 0):
                result = _add(curve, result, g)
            case (0, 1):
                result = _add(curve, result, other)
    return result


def _double(curve: Curve, point: _Point) -> _Point:
    x, y, z = point
    p = curve.p
    if z == 0 or y == 0:
        return (1, 1, 0)
    square = z * z % p
    slope = 3 * (x - square) * (x + square) % p
    y2 = y * y % p
    s = 4 * x * y2 % p
    x3 = (slope * slope - 2 * s) % p
    return x3, (slope * (s - x3) - 8 * y2 * y2) % p, 2 * y * z % p


def _add(curve: Curve, one: _Point, two: _Point) -> _Point:
    if one[2] == 0:
        return two
    if two[2] == 0:
        return one
    p = curve.p
    z1, z2 = one[2] * one[2] % p, two[2] * two[2] % p
    u1, u2 = one[0] * z2 % p, two[0] * z1 % p
    s1, s2 = one[1] * z2 * two[2] % p, two[1] * z1 * one[2] % p
    if u1 == u2:
        return _double(curve, one) if s1 == s2 else (1, 1, 0)
    h, r = (u2 - u1) % p, (s2 - s1) % p
    h2 = h * h % p
    h3, v = h2 * h % p, u1 * h2 % p
    x3 = (r * r - h3 - 2 * v) % p
    return x3, (r * (v - x3) - s1 * h3) % p, h * one[2] * two[2] % p
