"""SM2 signatures: the published example, both ways against openssl, and every way a signature can be wrong."""

from __future__ import annotations

import subprocess
import threading
from pathlib import Path

import pytest

from ingestion_adapters.client import Sm2Signer
from ingestion_adapters.signing import SM2_SM3, matches_sm2, well_formed
from portal.core.crypto import PROVIDER
from portal.core.crypto_sm2 import ORDER, SPKI_HEAD, der_signature, public_point, verify_sm2

# GB/T 32918.5-2017 Annex A.2: message, identity, key and signature of the recommended curve.
POINT = bytes.fromhex(
    "0409f9df311e5421a150dd7d161e4bc5c672179fad1833fc076bb08ff356f35020"
    "ccea490ce26775a52dc6ea718cc1aa600aed05fbf35e084a6632f6072da9ad13"
)
R, S = (
    bytes.fromhex("f5a03b0648d2c4630eeac513e1bb81a15944da3827d5b74143ac7eaceee720b3"),
    bytes.fromhex("b1b6aa29df212fd8763182bc0d421ca1bb9038fd1f7f42d4840b69c485bbc1aa"),
)
MESSAGE = b"message digest"
DER = bytes.fromhex("3046022100") + R + bytes.fromhex("022100") + S


def pair(folder: Path, name: str = "key") -> tuple[bytes, bytes]:
    """Return a new private and public key in PEM, made by the openssl command."""
    private, public = folder / f"{name}.pem", folder / f"{name}.pub"
    for words in (
        ["ecparam", "-name", "SM2", "-genkey", "-noout", "-out", private],
        ["pkey", "-in", private, "-pubout", "-out", public],
    ):
        subprocess.run(["openssl", *words], check=True, timeout=20, capture_output=True)
    return private.read_bytes(), public.read_bytes()


@pytest.mark.clause("8.9-2", "8.8-3_3")
def test_the_example_of_the_standard_is_accepted_as_der_and_as_r_and_s() -> None:
    assert PROVIDER.verify_sm2(POINT, MESSAGE, R + S)
    assert PROVIDER.verify_sm2(POINT, MESSAGE, DER)
    assert matches_sm2(POINT, (b"another", MESSAGE), DER.hex().upper())


def test_another_identity_message_or_key_is_refused(tmp_path: Path) -> None:
    stranger = public_point(pair(tmp_path)[1].decode())
    assert not verify_sm2(POINT, MESSAGE, DER, b"ALICE123@YAHOO.COM")
    assert not verify_sm2(POINT, b"message digesT", DER)
    assert not verify_sm2(stranger, MESSAGE, DER)
    assert not verify_sm2(POINT, MESSAGE, S + R)


@pytest.mark.parametrize(
    "signature",
    [
        b"", b"\x30", DER[:-1], DER + b"\x00", b"\x31" + DER[1:], b"\x30\x81\x46" + DER[2:], b"\x30\x80" + DER[2:] + b"\x00\x00",
        DER[:2] + b"\x02\x22\x00" + DER[4:], bytes.fromhex("3006020100020100"), bytes.fromhex("3006020101020100"),
        bytes(64), bytes(32) + S, R + bytes(32), ORDER.to_bytes(32, "big") + S, R + ORDER.to_bytes(32, "big"), b"\xff" * 64,
        bytes.fromhex("3006020181020181"), b"\x30\x04\x02\x00\x02\x00", b"\xff" * 72, b"\x30\x44" + b"\x02\x20" * 34,
    ],
)  # fmt: skip
def test_malformed_and_forbidden_signatures_are_refused_quietly(signature: bytes) -> None:
    assert not verify_sm2(POINT, MESSAGE, signature)


def test_every_changed_byte_breaks_the_signature() -> None:
    for place in range(len(DER)):
        changed = bytearray(DER)
        changed[place] ^= 1
        assert not verify_sm2(POINT, MESSAGE, bytes(changed))


def test_strict_der_is_made_of_r_and_s() -> None:
    assert der_signature(R + S) == DER
    assert der_signature((1).to_bytes(32, "big") * 2) == bytes.fromhex("3006020101020101")


def test_a_public_key_is_read_from_pem_and_hex(tmp_path: Path) -> None:
    _, public = pair(tmp_path)
    point = public_point(public.decode())
    assert public_point(point.hex().upper()) == public_point(f" {point.hex()}\n") == point


@pytest.mark.parametrize("wrong", ["off the curve", "compressed", "p256", "private", "damaged", "infinity", "words"])
def test_anything_but_a_point_of_the_curve_is_no_public_key(wrong: str, tmp_path: Path) -> None:
    private, public = pair(tmp_path)
    p256 = subprocess.run(
        ["openssl", "ecparam", "-name", "prime256v1", "-genkey", "-noout"], check=True, timeout=20, capture_output=True
    ).stdout
    foreign = subprocess.run(["openssl", "pkey", "-pubout"], input=p256, check=True, timeout=20, capture_output=True)
    given = {
        "off the curve": (POINT[:-1] + bytes((POINT[-1] ^ 1,))).hex(),
        "compressed": "03" + POINT[1:33].hex(),
        "p256": foreign.stdout.decode(),
        "private": private.decode(),
        "damaged": public.decode().replace("\n", "", 1)[:-40],
        "infinity": "00",
        "words": "公钥",
    }
    with pytest.raises(ValueError, match="key|point|PEM"):
        public_point(given[wrong])


def test_what_the_client_signs_is_accepted_and_openssl_agrees(tmp_path: Path) -> None:
    private, public = pair(tmp_path)
    point, signer = public_point(public.decode()), Sm2Signer(private)
    for number in range(40):
        assert verify_sm2(point, b"%d" % number, bytes.fromhex(signer.sign(b"%d" % number)))
    (tmp_path / "text").write_bytes(MESSAGE)
    made = subprocess.run(
        ["openssl", "pkeyutl", "-sign", "-inkey", tmp_path / "key.pem", "-in", tmp_path / "text", "-rawin", "-digest", "sm3",
         "-pkeyopt", "distid:1234567812345678"],
        check=True, timeout=20, capture_output=True,
    ).stdout  # fmt: skip
    assert verify_sm2(point, MESSAGE, made)


def test_the_client_refuses_a_key_that_is_none(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="SM2 private key"):
        Sm2Signer(pair(tmp_path)[1])
    with pytest.raises(ValueError, match="SM2 private key"):
        Sm2Signer(b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n")


def test_threads_do_not_disturb_each_other(tmp_path: Path) -> None:
    keys = [pair(tmp_path, f"k{place}") for place in range(4)]
    wrong: list[int] = []

    def work(place: int) -> None:
        point, signer = public_point(keys[place][1].decode()), Sm2Signer(keys[place][0])
        for number in range(50):
            text = b"%d|%d" % (place, number)
            if not verify_sm2(point, text, bytes.fromhex(signer.sign(text))) or verify_sm2(point, text, DER):
                wrong.append(place)

    threads = [threading.Thread(target=work, args=(place,)) for place in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert wrong == []


def test_the_head_of_a_public_key_is_that_of_openssl(tmp_path: Path) -> None:
    _, public = pair(tmp_path)
    der = subprocess.run(
        ["openssl", "pkey", "-pubin", "-outform", "DER"], input=public, check=True, timeout=20, capture_output=True
    ).stdout
    assert der.startswith(SPKI_HEAD) and len(der) == len(SPKI_HEAD) + 65


def test_shapes_follow_the_algorithm() -> None:
    nonce = "0123456789abcdef"
    assert well_formed("1780272000000", nonce, DER.hex(), SM2_SM3)
    assert well_formed("1780272000000", nonce, (R + S).hex(), SM2_SM3)
    assert not well_formed("1780272000000", nonce, DER.hex() + "0", SM2_SM3)
    assert not well_formed("1780272000000", nonce, DER.hex(), "RSA")
    assert not well_formed("1780272000000", nonce, DER.hex())
