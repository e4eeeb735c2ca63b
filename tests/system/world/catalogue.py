# catalogue.py: every domain of the test world, as a table
#
# What DNS and the policy host say; what postseal must make of it stands in ../domains.table.
# A zone each, named NAME.example unless it says otherwise. Records are zone-file lines relative to
# the zone; $MX is a host's address, $DOMAIN the zone, $SHA256 and so on TLSA data (zones.py).
# SPDX-License-Identifier: BSD-3-Clause
import enum
from dataclasses import dataclass, field

from . import addresses

TLD = "example"


class State(enum.Enum):
    SIGNED = "signed"
    UNSIGNED = "an insecure delegation"
    SPOILT = "all signatures wrong"
    WRONG_DS = "the parent's DS is of another key"
    EXPIRED = "all signatures expired"
    STRIPPED = "a DS at the parent, but no signature"
    ABSENT = "delegated, but there is no zone"


@dataclass(frozen=True)
class Zone:
    name: str
    records: tuple[str, ...] = ()
    state: State = State.SIGNED
    spoil: frozenset[tuple[str, str]] = frozenset()  # (owner, type): signature wrong
    server: str = addresses.ZONE_SERVER
    nsec3: bool = False
    opt_out: bool = False  # of NSEC3
    negative_ttl: int | None = None  # seconds; None: that of all


@dataclass
class PolicyHost:
    """What https://mta-sts.DOMAIN/.well-known/mta-sts.txt does."""

    body: bytes = b""
    status: int = 200
    headers: dict[str, str | tuple[str, ...]] = field(  # several: the field more than once
        default_factory=lambda: {"Content-Type": "text/plain"})
    manner: str = "plain"  # plain chunked until-close truncated endless endless-head slow
    certificate: str = "good"  # certificates.KINDS


ZONES: dict[str, Zone] = {}
POLICY_HOSTS: dict[str, PolicyHost] = {}  # by domain
TLD_RECORDS: list[str] = []  # domains that are no zone: aliases

MX = ("@ MX 10 mx", "mx A $MX")
EE = "_25._tcp.mx TLSA 3 1 1 $SHA256"
DANE = (*MX, EE)
MX_TWO = (*MX, "@ MX 20 mx2", "mx2 A $MX")
EE_TWO = "_25._tcp.mx2 TLSA 3 1 1 $SHA256"
STS_TXT = '_mta-sts 1 TXT "v=STSv1; id=20250101;"'
STS_HOST = f"mta-sts A {addresses.POLICY_HOST}"


def policy(mode: str, *mx: str, max_age: int | str = 604800, end: str = "\n") -> str:
    lines = ["version: STSv1", f"mode: {mode}", *(f"mx: {name}" for name in mx)]
    return "".join(line + end for line in [*lines, f"max_age: {max_age}"])


ENFORCE = policy("enforce", "mx.$DOMAIN")


def zone(name: str, *records: str, spoil: str = "", **how) -> None:
    """`spoil`: "owner TYPE, owner TYPE"."""
    pairs = frozenset(tuple(pair.split()) for pair in spoil.split(",") if pair)
    ZONES[f"{name}.{TLD}"] = Zone(f"{name}.{TLD}", records, spoil=pairs, **how)


def serve(name: str, body: str | bytes = ENFORCE, **how) -> None:
    """The policy host of NAME.example; its address must be in some zone."""
    domain = f"{name}.{TLD}"
    if isinstance(body, str):
        body = body.replace("$DOMAIN", domain).encode()
    POLICY_HOSTS[domain] = PolicyHost(body, **how)


def sts(name: str, body: str | bytes = ENFORCE, *, records=MX, txt=STS_TXT, host=STS_HOST,
        state=State.SIGNED, spoil="", **how) -> None:
    """A zone with an MTA-STS record and its policy host."""
    zone(name, *records, *filter(None, (txt, host)), state=state, spoil=spoil)
    serve(name, body, **how)


# --- DANE: secure MX, secure hosts -----------------------------------------------------------
zone("dane", *DANE, "_587._tcp.mx TLSA 3 1 1 $SHA256")
zone("dane-two", *MX_TWO, EE, "_25._tcp.mx2 TLSA 3 1 2 $SHA512")
zone("dane-ta", *MX, "_25._tcp.mx TLSA 2 0 1 $SHA256")
zone("dane-ta-sha512", *MX, "_25._tcp.mx TLSA 2 1 2 $SHA512")
zone("dane-ta-whole", *MX, "_25._tcp.mx TLSA 2 0 0 $CERTIFICATE")
zone("dane-whole-key", *MX, "_25._tcp.mx TLSA 3 1 0 $SPKI")
zone("dane-one-usable", *DANE, "_25._tcp.mx TLSA 1 1 1 $SHA256")
zone("dane-unusable", *MX, "_25._tcp.mx TLSA 1 1 1 $SHA256", "_25._tcp.mx TLSA 0 0 1 $SHA256")
zone("dane-short-digest", *MX, "_25._tcp.mx TLSA 3 1 1 00112233")
zone("dane-unknown", *MX, "_25._tcp.mx TLSA 3 1 9 $SHA256", "_25._tcp.mx TLSA 3 7 1 $SHA256",
     "_25._tcp.mx TLSA 9 1 1 $SHA256")
zone("dane-no-certificate", *MX, "_25._tcp.mx TLSA 3 0 0 DEADBEEF")
zone("dane-beside-unusable", *MX_TWO, EE, "_25._tcp.mx2 TLSA 1 1 1 $SHA256")
zone("dane-v6", "@ MX 10 mx", f"mx AAAA {addresses.MX_HOST_V6}", EE)
zone("dane-v6-spoilt", *DANE, f"mx AAAA {addresses.MX_HOST_V6}", spoil="mx AAAA")
zone("dane-beside-no-address", *DANE, "@ MX 20 mx2", 'mx2 TXT "no address"')
zone("dane-port-25-only", *DANE)
zone("dane-hashed", *DANE, nsec3=True)
zone("many-hosts", *(f"@ MX {n} mx{n}" for n in range(1, 41)),
     *(f"mx{n} A $MX" for n in range(1, 41)),
     *(f"_25._tcp.mx{n} TLSA 3 1 1 $SHA256" for n in range(1, 41)))
MORE_HOSTS = (*(f"@ MX {n} mx{n}" for n in range(1, 131)),
              *(f"mx{n} A $MX" for n in range(1, 131)))
zone("more-hosts", *MORE_HOSTS, *(f"_25._tcp.mx{n} TLSA 3 1 1 $SHA256" for n in range(1, 131)))
sts("more-hosts-sts", policy("enforce", "*.$DOMAIN"), records=MORE_HOSTS)
zone("many-tlsa", *MX, *(f"_25._tcp.mx TLSA 3 1 1 {n:064x}" for n in range(300)))
zone("xn--bcher-kva", *DANE)  # bücher
sts("sts-dane", records=DANE)
sts("dane-unusable-sts", records=(*MX, "_25._tcp.mx TLSA 1 1 1 $SHA256"))

# --- U or X beside N -------------------------------------------------------------------------
zone("mixed", *MX_TWO, EE)
zone("mixed-unusable", *MX_TWO, "_25._tcp.mx TLSA 1 1 1 $SHA256")
sts("mixed-sts", policy("enforce", "mx.$DOMAIN", "mx2.$DOMAIN"), records=(*MX_TWO, EE))

# --- Lookups that fail at hosts --------------------------------------------------------------
TCP_FAILS = ("_tcp.mx NS ns._tcp.mx", f"ns._tcp.mx A {addresses.FAILING_SERVER}")
TCP_FAILS_TWO = ("_tcp.mx2 NS ns._tcp.mx2", f"ns._tcp.mx2 A {addresses.FAILING_SERVER}")
TCP_DEAD = ("_tcp.mx NS ns._tcp.mx", f"ns._tcp.mx A {addresses.DEAD_SERVER}")
TCP_SILENT = ("_tcp.mx NS ns._tcp.mx", f"ns._tcp.mx A {addresses.SILENT_SERVER}")
BOTH = policy("enforce", "mx.$DOMAIN", "mx2.$DOMAIN")
zone("tlsa-fails-one", *MX_TWO, *TCP_FAILS, EE_TWO)
sts("tlsa-fails-one-sts", BOTH, records=(*MX_TWO, *TCP_FAILS, EE_TWO))
zone("tlsa-fails-all", *MX_TWO, *TCP_FAILS, *TCP_FAILS_TWO)
sts("tlsa-fails-all-sts", BOTH, records=(*MX_TWO, *TCP_FAILS, *TCP_FAILS_TWO))
zone("tlsa-fails-beside-none", *MX_TWO, *TCP_FAILS)
sts("tlsa-fails-beside-none-sts", BOTH, records=(*MX_TWO, *TCP_FAILS))
zone("repaired", *DANE, state=State.SPOILT)  # test_repaired.py
zone("tlsa-dead", *MX, *TCP_DEAD)
zone("tlsa-silent", *MX, *TCP_SILENT)
zone("txt-silent", *DANE, "_mta-sts NS ns._mta-sts",
     f"ns._mta-sts A {addresses.SILENT_SERVER}")
zone("tlsa-insecure", *MX)
zone("_tcp.mx.tlsa-insecure", "_25 TLSA 3 1 1 $SHA256", state=State.UNSIGNED)
zone("tlsa-spoilt", *DANE, spoil="_25._tcp.mx TLSA")
sts("tlsa-spoilt-sts", records=DANE, spoil="_25._tcp.mx TLSA")
zone("host-spoilt", *DANE, spoil="mx A")
zone("host-dead", f"@ MX 10 mx.dead.{TLD}.")

# --- Insecure MX, insecure hosts -------------------------------------------------------------
UNSIGNED = State.UNSIGNED
INSECURE_MX = (f"@ MX 10 mx.dane.{TLD}.",)
zone("plain", *MX, "_25._tcp.mx TLSA 3 1 1 $SHA256", state=UNSIGNED)
zone("insecure-mx", *INSECURE_MX, state=UNSIGNED)
sts("insecure-mx-sts", policy("enforce", f"mx.dane.{TLD}"), records=INSECURE_MX, state=UNSIGNED)
zone("insecure-mx-unusable", f"@ MX 10 mx.dane-unusable.{TLD}.", state=UNSIGNED)
zone("insecure-mx-fails", f"@ MX 10 mx.tlsa-fails-all.{TLD}.", state=UNSIGNED)
zone("insecure-host", f"@ MX 10 mx.plain.{TLD}.")
zone("hashed", *MX, nsec3=True)
zone("below.hashed", *DANE, state=UNSIGNED)

# --- MX lookups that fail, and domains without mail ------------------------------------------
zone("bogus", *DANE, state=State.SPOILT)
zone("bogus-ds", *DANE, state=State.WRONG_DS)
zone("bogus-expired", *DANE, state=State.EXPIRED)
zone("bogus-stripped", *DANE, state=State.STRIPPED)
zone("bogus-mx", *DANE, spoil="@ MX")
sts("bogus-mx-sts", spoil="@ MX")
zone("dead", state=State.ABSENT, server=addresses.DEAD_SERVER)
zone("silent", state=State.ABSENT, server=addresses.SILENT_SERVER)
zone("lame", state=State.ABSENT)
zone("failing", state=State.ABSENT, server=addresses.FAILING_SERVER)
zone("null-mx", "@ MX 0 .", "@ A $MX")
sts("null-mx-sts", records=("@ MX 0 .",))
zone("no-address", "@ MX 10 mx", 'mx TXT "no address"')
zone("no-host", "@ MX 10 mx")
zone("no-mail", '@ TXT "neither MX nor address"')
zone("implicit-mx", "@ A $MX", "_25._tcp TLSA 3 1 1 $SHA256")
zone("implicit-plain", "@ A $MX")

# --- CNAMEs ----------------------------------------------------------------------------------
TLD_RECORDS += [
    f"alias.{TLD}. CNAME dane.{TLD}.",
    f"alias-insecure.{TLD}. CNAME insecure-mx.{TLD}.",
    f"alias-dead.{TLD}. CNAME dead.{TLD}.",
    f"alias-dead-sts.{TLD}. CNAME dead.{TLD}.",
    f"_mta-sts.alias-dead-sts.{TLD}. {STS_TXT.partition(' ')[2]}",
    f"mta-sts.alias-dead-sts.{TLD}. A {addresses.POLICY_HOST}",
    f"alias-sts.{TLD}. CNAME hashed.{TLD}.",
    f"_mta-sts.alias-sts.{TLD}. {STS_TXT.partition(' ')[2]}",
    f"mta-sts.alias-sts.{TLD}. A {addresses.POLICY_HOST}",
]
serve("alias-dead-sts", policy("enforce", f"mx.dead.{TLD}"))
serve("alias-sts", policy("enforce", f"mx.hashed.{TLD}"))
zone("cname-target", "@ MX 10 mx", f"mx CNAME mx.dane.{TLD}.")
zone("cname-alias", "@ MX 10 mx", "mx CNAME real", "real A $MX", EE)
zone("cname-both", "@ MX 10 mx", "mx CNAME real", "real A $MX",
     "_25._tcp.real TLSA 1 1 1 $SHA256", EE)
zone("cname-fails", "@ MX 10 mx", "mx CNAME real", "real A $MX", "_tcp.real NS ns._tcp.real",
     f"ns._tcp.real A {addresses.FAILING_SERVER}", EE)
zone("cname-insecure-target", "@ MX 10 mx", f"mx CNAME mx.plain.{TLD}.", EE)
zone("dname-insecure", "@ MX 10 mx.sub", f"sub DNAME plain.{TLD}.")
zone("dname-secure", "@ MX 10 mx.sub", f"sub DNAME dane.{TLD}.")
sts("dname-insecure-sts", policy("enforce", "mx.sub.$DOMAIN"),
    records=("@ MX 10 mx.sub", f"sub DNAME plain.{TLD}."))
zone("cname-insecure-alias", f"@ MX 10 mx.cname-plain.{TLD}.")
zone("cname-plain", "@ MX 10 mx", f"mx CNAME mx.dane.{TLD}.", state=UNSIGNED)

# --- MTA-STS: the record ---------------------------------------------------------------------
sts("sts-one")
sts("sts-two", BOTH, records=MX_TWO)
sts("sts-wildcard", policy("enforce", "*.mail.$DOMAIN"),
    records=("@ MX 10 a.mail", "a.mail A $MX"))
sts("sts-wildcard-and-host", policy("enforce", "*.mail.$DOMAIN", "mx.$DOMAIN"))
sts("sts-plain", state=UNSIGNED)
sts("sts-unmatched", policy("enforce", "elsewhere.$DOMAIN"))
sts("sts-testing", policy("testing", "mx.$DOMAIN"))
sts("sts-none", policy("none"))
sts("sts-no-record", txt="")
sts("sts-two-records", txt='_mta-sts TXT "v=STSv1; id=1;"\n_mta-sts TXT "v=STSv1; id=2;"')
sts("sts-foreign-txt",
    txt='_mta-sts TXT "v=STSv1; id=1;"\n_mta-sts TXT "v=spf1 -all"\n_mta-sts TXT "site=2"')
sts("sts-split-record", txt='_mta-sts TXT "v=STS" "v1; i" "d=1;"')
sts("sts-no-id", txt='_mta-sts TXT "v=STSv1;"')
sts("sts-bad-id", txt='_mta-sts TXT "v=STSv1; id=with-hyphen;"')
sts("sts-blank-before-semicolon", txt='_mta-sts 1 TXT "v=STSv1 ; id=1;"')
sts("sts-upper-record", txt='_mta-sts 1 TXT "V=STSv1; id=1;"')
sts("sts-other-version", txt='_mta-sts TXT "v=STSv2; id=1;"')
sts("sts-record-spoilt", spoil="_mta-sts TXT")
sts("sts-record-dead", txt=f"_mta-sts NS ns._mta-sts\nns._mta-sts A {addresses.DEAD_SERVER}")
sts("sts-cname-record", txt=f"_mta-sts CNAME _mta-sts.sts-one.{TLD}.")
sts("sts-cname-host", host=f"mta-sts CNAME mta-sts.sts-one.{TLD}.")
sts("mx.sts-host", policy("enforce", "$DOMAIN"), records=("@ A $MX",))  # key: [mx.sts-host.example]

# --- MTA-STS: where the policy host is -------------------------------------------------------
V6 = f"mta-sts AAAA {addresses.POLICY_HOST_V6}"
sts("sts-v6", host=V6)
sts("sts-both-families", host=f"{STS_HOST}\n{V6}")
sts("sts-v4-refused", host=f"mta-sts A {addresses.REFUSING_HOST}\n{V6}")
sts("sts-v6-unreachable", host=f"{STS_HOST}\nmta-sts AAAA {addresses.NOWHERE_V6}")
sts("sts-no-host", host="")
sts("sts-host-spoilt", spoil="mta-sts A")
sts("sts-refused", host=f"mta-sts A {addresses.REFUSING_HOST}")
sts("sts-silent", host=f"mta-sts A {addresses.SILENT_HOST}")

# --- MTA-STS: certificates -------------------------------------------------------------------
for kind in ("expired", "not yet valid", "wrong name", "untrusted", "self-signed",
             "name in CN only", "intermediate", "intermediate left out"):
    sts("sts-" + kind.lower().replace(" ", "-"), certificate=kind)
sts("sts-wildcard-certificate", certificate="wildcard")
sts("sts-old-tls", host=f"mta-sts A {addresses.OLD_TLS_HOST}")

# --- MTA-STS: HTTP ---------------------------------------------------------------------------
sts("sts-404", status=404)
sts("sts-503", status=503)
sts("sts-204", "", status=204)
sts("sts-redirect", status=302, headers={
    "Content-Type": "text/plain",
    "Location": f"https://mta-sts.sts-one.{TLD}/.well-known/mta-sts.txt",
})
sts("sts-html", headers={"Content-Type": "text/html"})
sts("sts-no-type", headers={})
sts("sts-charset", headers={"Content-Type": "text/plain; charset=utf-8"})
sts("sts-upper-type", headers={"content-type": "Text/Plain;Charset=US-ASCII"})
sts("sts-type-twice", headers={"Content-Type": ("text/plain", "text/plain")})
sts("sts-type-twice-differs", headers={"Content-Type": ("text/plain", "text/html")})
sts("sts-type-twice-html-first", headers={"Content-Type": ("text/html", "text/plain")})
sts("sts-oversized", ENFORCE + "padding: " + "x" * 70_000 + "\n")
sts("sts-just-fits", ENFORCE + "padding: " + "x" * 60_000 + "\n")
sts("sts-endless", manner="endless")
sts("sts-endless-head", manner="endless-head")
sts("sts-slow", manner="slow")
sts("sts-chunked", manner="chunked")
sts("sts-until-close", manner="until-close")
sts("sts-truncated", manner="truncated")

# --- MTA-STS: the policy's text --------------------------------------------------------------
sts("sts-crlf", policy("enforce", "mx.$DOMAIN", end="\r\n"))
sts("sts-no-last-newline", ENFORCE.rstrip("\n"))
sts("sts-blank-at-end", ENFORCE + "\n")
sts("sts-blank-inside", ENFORCE.replace("mode", "\nmode"))
sts("sts-duplicates", ENFORCE.replace("mode: enforce\n", "mode: enforce\nmode: none\n"))
sts("sts-duplicates-none", ENFORCE.replace("mode: enforce\n", "mode: none\nmode: enforce\n"))
sts("sts-unknown-keys", ENFORCE + "colour: blue\n")
sts("sts-max-age-clamped", policy("enforce", "mx.$DOMAIN", max_age=9999999999))
sts("sts-max-age-too-long", policy("enforce", "mx.$DOMAIN", max_age=10000000000))
sts("sts-max-age-missing", ENFORCE.partition("max_age")[0])
sts("sts-mode-unknown", policy("strict", "mx.$DOMAIN"))
sts("sts-no-mx", policy("enforce"))
sts("sts-bad-mx", policy("enforce", "mx.*.$DOMAIN"))
sts("sts-mx-address", policy("enforce", "192.0.2.1", "mx.$DOMAIN"))
sts("sts-mx-address-only", policy("enforce", "192.0.2.1"))
sts("sts-mx-u-label", policy("enforce", "m\u00e4x.$DOMAIN"),
    records=("@ MX 10 xn--mx-via", "xn--mx-via A $MX"))
sts("sts-other-policy-version", ENFORCE.replace("STSv1", "STSv2"))
sts("sts-empty", "")

# --- For the tests that change the world -----------------------------------------------------
sts("memory")
sts("memory-live")
sts("guarded")
zone("new", f"* MX 10 mx.dane.{TLD}.")  # as many domains that nobody asked for as one likes
zone("in-flight", state=State.ABSENT, server=addresses.SILENT_SERVER)

# --- A parent whose servers answer a DS question by a referral (../hostile/referring.py) -------
zone("referring", *DANE, nsec3=True, opt_out=True, negative_ttl=1,
     server=addresses.REFERRING_SERVER)
zone("unsigned.referring", state=State.ABSENT, server=addresses.REFERRED_SERVER)

# --- Name servers and policy hosts that mean harm (../hostile) -------------------------------
# A zone each where DNS is odd: what a server did to one is not held against another.
ODD_DNS = (
    "many-mx", "cname-loop", "cname-endless", "ttl-zero", "ttl-huge", "truncated", "tcp-drip",
    "tcp-endless", "garbage", "counts", "pointer-loop", "other-names", "other-question", "wrong-id",
    "referrals", "many-records", "long-record", "many-addresses", "aaaa-silent",
)
for odd in ("hostile", *(f"{name}.odd" for name in ODD_DNS)):
    zone(odd, state=State.ABSENT, server=addresses.HOSTILE_SERVER)
