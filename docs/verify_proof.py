"""Check that what you are owed is in the totals that Openfloor has sealed. Needs Python alone.

    python verify_proof.py proof.json [--seal SEAL.json] [--key PUBLIC_KEY_IN_HEX]

`proof.json` is what you have downloaded; `--seal` the seal as you got it elsewhere (everybody must
be shown the same one), `--key` the public key as it was published. docs/proof.md has the formats.
"""

import argparse
import hashlib
import json
import re
import sys
from decimal import Decimal, getcontext
from pathlib import Path

getcontext().prec = 100  # sums are exact
PLAIN = re.compile(r"(0|[1-9][0-9]*)(\.[0-9]*[1-9])?")  # nothing below zero: sums only grow
HASH = re.compile(r"[0-9a-f]{64}")


class Fails(Exception):
    """What was shown does not hold; the message says what."""


def check(holds, otherwise):
    if not holds:
        raise Fails(otherwise)


def sha256(text):
    return hashlib.sha256(text.encode()).hexdigest()


def plain(amount):
    text = format(amount, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def amount_of(text):
    check(isinstance(text, str) and PLAIN.fullmatch(text), f"{text!r} is no amount")
    return Decimal(text)


def follow(account, owed):
    """Return the sum and the hash to which the way from your leaf leads."""
    asset, salt, total = owed["asset"], owed["salt"], amount_of(owed["amount"])
    check(HASH.fullmatch(salt), f"{asset}: the salt is none")
    found = sha256(f"openfloor leaf\n{account}\n{asset}\n{plain(total)}\n{salt}")
    for step in owed["path"]:
        beside = amount_of(step["sum"])
        check(HASH.fullmatch(step["hash"]), f"{asset}: a hash on the way is none")
        halves = [f"{plain(total)}\n{found}", f"{plain(beside)}\n{step['hash']}"]
        if step["side"] == "left":
            halves.reverse()
        found = sha256("openfloor sum\n" + "\n".join(halves))
        total += beside
    return total, found


def canonical(content):
    return json.dumps(content, sort_keys=True, separators=(",", ":")).encode("ascii")


def check_roots(content):
    """Check that the trees of what is owed are those under the signed root."""
    owed = content["liabilities"]
    said = "".join(
        f"{asset}\n{tree['leaves']}\n{tree['total']}\n{tree['root']}\n"
        for asset, tree in sorted(owed["assets"].items())
    )
    check(sha256("openfloor liabilities\n" + said) == owed["root"], "the trees are not the seal's")
    level = [bytes.fromhex(each["root"]) for each in content["tables"]]
    level.append(bytes.fromhex(owed["root"]))
    while len(level) > 1:
        pairs = [level[i : i + 2] for i in range(0, len(level), 2)]
        level = [
            hashlib.sha256(b"openfloor node\n" + b"".join(pair)).digest()
            if len(pair) == 2
            else pair[0]
            for pair in pairs
        ]
    check(level[0].hex() == content["root"], "the root is not that of what the seal lists")


# Ed25519 as RFC 8032 has it, for verifying alone: slow, and short enough to read.
P = 2**255 - 19
ORDER = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, -1, P) % P


def added(a, b):
    x, y, u, v = *a, *b
    k = D * x * u * y * v % P
    return (
        (x * v + u * y) * pow(1 + k, -1, P) % P,
        (y * v + x * u) * pow(1 - k, -1, P) % P,
    )


def times(factor, point):
    found = (0, 1)
    while factor:
        if factor & 1:
            found = added(found, point)
        point, factor = added(point, point), factor >> 1
    return found


def point_of(raw):
    y = int.from_bytes(raw, "little")
    sign, y = y >> 255, y & (2**255 - 1)
    check(y < P, "no point of the curve")
    square = (y * y - 1) * pow(D * y * y + 1, -1, P) % P
    x = pow(square, (P + 3) // 8, P)
    if (x * x - square) % P:
        x = x * pow(2, (P - 1) // 4, P) % P
    check((x * x - square) % P == 0 and not (x == 0 and sign), "no point of the curve")
    return (P - x if x & 1 != sign else x), y


BASE = point_of((4 * pow(5, -1, P) % P).to_bytes(32, "little"))


def is_signed(key, message, signature):
    half, scalar = signature[:32], int.from_bytes(signature[32:], "little")
    check(len(signature) == 64 and len(key) == 32 and scalar < ORDER, "no signature")
    said = int.from_bytes(hashlib.sha512(half + key + message).digest(), "little") % ORDER
    return times(scalar, BASE) == added(point_of(half), times(said, point_of(key)))


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("proof")
    parser.add_argument("--seal", help="The file of the seal, from elsewhere.")
    parser.add_argument("--key", help="The public key, in hexadecimal, from elsewhere.")
    given = parser.parse_args()
    proof = json.loads(Path(given.proof).read_text())
    check(proof["format"] == "openfloor-proof-1", "another format than this script knows")
    seal, content = proof["seal"], proof["seal"]["content"]
    if given.seal:
        elsewhere = json.loads(Path(given.seal).read_text())
        check(elsewhere == seal, "the seal elsewhere is another than the proof's")
    key = (given.key or seal["key"]).lower()
    signature = bytes.fromhex(seal["signature"])
    check(is_signed(bytes.fromhex(key), canonical(content), signature), "the signature is wrong")
    check_roots(content)
    trees = content["liabilities"]["assets"]
    check(len({o["asset"] for o in proof["owed"]}) == len(proof["owed"]), "an asset is there twice")
    for owed in proof["owed"]:
        asset = owed["asset"]
        check(asset in trees, f"{asset} is not in the seal")
        said = (amount_of(trees[asset]["total"]), trees[asset]["root"])
        check(follow(proof["account"], owed) == said, f"{asset}: the way leads elsewhere")
    print(f"Seal {content['number']} of {content['day']}, signed with {key}")
    for owed in proof["owed"]:
        print(f"  {owed['amount']} {owed['asset']} of yours is in {trees[owed['asset']]['total']}")
    if not proof["owed"]:
        print("  nothing was owed to this account")
    if not (given.seal and given.key):
        print("Get the seal and the key elsewhere too (--seal, --key): only what all see binds us.")


if __name__ == "__main__":
    try:
        main()
    except Fails as failure:
        sys.exit(f"DOES NOT HOLD: {failure}")
    except (KeyError, TypeError, ValueError, AttributeError, OSError) as error:
        sys.exit(f"DOES NOT HOLD: it cannot be read ({type(error).__name__}: {error})")
