#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""Writes wg_vectors.h: a WireGuard exchange with fixed keys, computed apart.

Shares nothing with the engine under test: BLAKE2s and HMAC are Python's,
X25519 (RFC 7748), ChaCha20-Poly1305 (RFC 8439) and XChaCha20 (draft) are
written out here after their texts. Each is first tried on the example of its
document. Run: ./wg_vectors.py >wg_vectors.h
"""

import hashlib
import hmac
import struct
import sys

P = 2 ** 255 - 19


def x25519(k, u):
    k = bytearray(k)
    k[0] &= 248
    k[31] = k[31] & 127 | 64
    k = int.from_bytes(k, "little")
    x1 = int.from_bytes(u, "little") % 2 ** 255
    x2, z2, x3, z3, swap = 1, 0, x1, 1, 0
    for t in reversed(range(255)):
        bit = k >> t & 1
        if swap ^ bit:
            x2, x3, z2, z3 = x3, x2, z3, z2
        swap = bit
        a, b, c, d = x2 + z2, x2 - z2, x3 + z3, x3 - z3
        aa, bb = a * a, b * b
        e = aa - bb
        da, cb = d * a, c * b
        x3, z3 = (da + cb) ** 2 % P, x1 * (da - cb) ** 2 % P
        x2, z2 = aa * bb % P, e * (aa + 121665 * e) % P
    if swap:
        x2, z2 = x3, z3
    return (x2 * pow(z2, P - 2, P) % P).to_bytes(32, "little")


BASE = (9).to_bytes(32, "little")


def rounds(x):
    def quarter(a, b, c, d):
        for p, q, r, n in ((a, b, d, 16), (c, d, b, 12),
                           (a, b, d, 8), (c, d, b, 7)):
            x[p] = x[p] + x[q] & 0xffffffff
            v = x[r] ^ x[p]
            x[r] = (v << n | v >> 32 - n) & 0xffffffff
    for _ in range(10):
        for i in range(4):
            quarter(i, 4 + i, 8 + i, 12 + i)
        for i in range(4):
            quarter(i, 4 + (i + 1) % 4, 8 + (i + 2) % 4, 12 + (i + 3) % 4)


SIGMA = struct.unpack("<4I", b"expand 32-byte k")


def block(key, count, nonce):
    start = list(SIGMA + struct.unpack("<8I", key) + (count,)
                 + struct.unpack("<3I", nonce))
    x = list(start)
    rounds(x)
    return struct.pack("<16I", *((a + b) & 0xffffffff
                                 for a, b in zip(x, start)))


def hchacha20(key, nonce):
    x = list(SIGMA + struct.unpack("<8I", key) + struct.unpack("<4I", nonce))
    rounds(x)
    return struct.pack("<8I", *(x[:4] + x[12:]))


def chacha20(key, count, nonce, data):
    out = bytearray()
    for i in range(0, len(data), 64):
        out += bytes(a ^ b for a, b in zip(data[i:i + 64],
                                           block(key, count + i // 64, nonce)))
    return bytes(out)


def poly1305(key, data):
    r = int.from_bytes(key[:16], "little") & 0x0ffffffc0ffffffc0ffffffc0fffffff
    acc = 0
    for i in range(0, len(data), 16):
        acc = (acc + int.from_bytes(data[i:i + 16] + b"\1", "little")) * r
        acc %= 2 ** 130 - 5
    return ((acc + int.from_bytes(key[16:], "little")) % 2 ** 128
            ).to_bytes(16, "little")


def aead(key, nonce, plain, aad):
    sealed = chacha20(key, 1, nonce, plain)

    def padded(b):
        return b + bytes(-len(b) % 16)
    lengths = struct.pack("<QQ", len(aad), len(sealed))
    return sealed + poly1305(block(key, 0, nonce)[:32],
                             padded(aad) + padded(sealed) + lengths)


def xaead(key, nonce, plain, aad):
    return aead(hchacha20(key, nonce[:16]), bytes(4) + nonce[16:], plain, aad)


def blake(data):
    return hashlib.blake2s(data).digest()


def mac(key, data):
    return hashlib.blake2s(data, digest_size=16, key=key).digest()


def kdf(n, key, data):
    def h(k, d):
        return hmac.new(k, d, hashlib.blake2s).digest()
    prk, out, last = h(key, data), [], b""
    for i in range(n):
        last = h(prk, last + bytes([i + 1]))
        out.append(last)
    return out


def counter(n):
    return struct.pack("<IQ", 0, n)


def self_test():
    # RFC 7748 5.2, the first vector
    k = bytes.fromhex("a546e36bf0527c9d3b16154b82465edd"
                      "62144c0ac1fc5a18506a2244ba449ac4")
    u = bytes.fromhex("e6db6867583030db3594c1a424b15f7c"
                      "726624ec26b3353b10a903a6d0ab1c4c")
    assert x25519(k, u).hex() == ("c3da55379de9c6908e94ea4df28d084f"
                                  "32eccf03491c71f754b4075577a28552")
    # RFC 8439 2.8.2
    sealed = aead(bytes(range(0x80, 0xa0)),
                  bytes.fromhex("070000004041424344454647"),
                  b"Ladies and Gentlemen of the class of '99: If I could "
                  b"offer you only one tip for the future, sunscreen would "
                  b"be it.", bytes.fromhex("50515253c0c1c2c3c4c5c6c7"))
    assert sealed[-16:].hex() == "1ae10b594f09e26a7e902ecbd0600691"
    # draft-irtf-cfrg-xchacha 2.2.1
    assert hchacha20(bytes(range(32)), bytes.fromhex(
        "000000090000004a0000000031415927")).hex() == (
        "82413b4227b27bfed30e42508a877d73a0f9e4d58a74a853c12ec41326d3ecdc")


class Side:
    """One end of Noise_IKpsk2 (whitepaper 5.4), all randomness given."""

    def __init__(self, private, peer, psk):
        self.s, self.sp, self.peer, self.psk = (
            private, x25519(private, BASE), peer, psk)

    def begin(self, responder):
        self.c = blake(b"Noise_IKpsk2_25519_ChaChaPoly_BLAKE2s")
        self.h = blake(self.c + b"WireGuard v1 zx2c4 Jason@zx2c4.com")
        self.mix(responder)

    def mix(self, data):
        self.h = blake(self.h + data)

    def seal(self, key, plain):
        out = aead(key, counter(0), plain, self.h)
        self.mix(out)
        return out

    def signed(self, msg, cookie=None):
        msg += mac(blake(b"mac1----" + self.peer), msg)
        return msg + (mac(cookie, msg) if cookie else bytes(16))

    def initiation(self, e, index, stamp, cookie=None):
        self.begin(self.peer)
        self.e, ep = e, x25519(e, BASE)
        self.c, = kdf(1, self.c, ep)
        self.mix(ep)
        self.c, k = kdf(2, self.c, x25519(e, self.peer))
        static = self.seal(k, self.sp)
        self.c, k = kdf(2, self.c, x25519(self.s, self.peer))
        stamped = self.seal(k, stamp)
        return self.signed(struct.pack("<II", 1, index) + ep + static
                           + stamped, cookie)

    def response(self, chain, h, e, peer_e, index, peer_index):
        self.c, self.h = chain, h
        ep = x25519(e, BASE)
        self.c, = kdf(1, self.c, ep)
        self.mix(ep)
        self.c, = kdf(1, self.c, x25519(e, peer_e))
        self.c, = kdf(1, self.c, x25519(e, self.peer))
        self.c, tau, k = kdf(3, self.c, self.psk)
        self.mix(tau)
        return self.signed(struct.pack("<III", 2, index, peer_index) + ep
                           + self.seal(k, b""))


def show(name, data):
    print("static const uint8_t %s[%d] = {" % (name, len(data)))
    for i in range(0, len(data), 12):
        print("    " + " ".join("0x%02x," % b for b in data[i:i + 12]))
    print("};\n")


def main():
    self_test()
    a_key = blake(b"initiator's static key")
    b_key = blake(b"responder's static key")
    a_e, b_e = blake(b"initiator's ephemeral"), blake(b"responder's ephemeral")
    psk = blake(b"the preshared key")
    # 2026-01-02 03:04:05.5, rounded down to the engine's step
    stamp = struct.pack(">QI", 0x400000000000000a + 1767323045,
                        500000000 >> 24 << 24)
    a_index, b_index = 0x11223344, 0x55667788
    a = Side(a_key, x25519(b_key, BASE), psk)
    b = Side(b_key, x25519(a_key, BASE), psk)
    first = a.initiation(a_e, a_index, stamp)
    chain, h = a.c, a.h
    second = b.response(chain, h, b_e, x25519(a_e, BASE), b_index, a_index)
    to_b, to_a = kdf(2, b.c, b"")

    packet = bytes([0x45, 0, 0, 30, 0, 1, 0, 0, 64, 17, 0, 0,
                    10, 0, 0, 1, 10, 0, 0, 2]) + b"0123456789"
    data = struct.pack("<IIQ", 4, b_index, 0) + aead(
        to_b, counter(0), packet + bytes(2), b"")

    secret, nonce = blake(b"cookie secret"), blake(b"nonce")[:24]
    source = bytes([192, 0, 2, 1]) + bytes(12) + struct.pack(">H", 1234)
    cookie = mac(secret, source)
    reply = struct.pack("<II", 3, a_index) + nonce + xaead(
        blake(b"cookie--" + b.sp), nonce, cookie, first[-32:-16])
    again = a.initiation(a_e, a_index, stamp, cookie)

    print("/* SPDX-License-Identifier: ISC */")
    print("/* Made by wg_vectors.py. */")
    print("#ifndef AFWRT_TESTS_WG_VECTORS_H")
    print("#define AFWRT_TESTS_WG_VECTORS_H\n")
    print("#include <stdint.h>\n")
    print("#define V_A_INDEX 0x%08xu" % a_index)
    print("#define V_B_INDEX 0x%08xu\n" % b_index)
    for name, value in (
            ("v_a_key", a_key), ("v_b_key", b_key), ("v_a_public", a.sp),
            ("v_b_public", b.sp), ("v_psk", psk), ("v_a_ephemeral", a_e),
            ("v_b_ephemeral", b_e), ("v_stamp", stamp),
            ("v_initiation", first), ("v_response", second),
            ("v_to_b", to_b), ("v_to_a", to_a), ("v_packet", packet),
            ("v_data", data), ("v_secret", secret), ("v_nonce", nonce),
            ("v_cookie_reply", reply), ("v_initiation_cookie", again)):
        show(name, value)
    print("#endif")
    return 0


if __name__ == "__main__":
    sys.exit(main())
