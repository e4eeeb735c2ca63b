# mail_catalogue.py: the domains that real Postfix sends mail to, as a table
#
# Zones and policy hosts as in catalogue.py, and beside them MAIL_HOSTS, the MX hosts: each has an
# address of its own and a certificate of the kind named. What must become of a message stands in
# ../mail.table. All mail hosts have one key: "TLSA 3 1 1 $MAIL_KEY" is right for any of them, and
# "TLSA 3 1 1 $SHA256", the authority's key, is wrong; "TLSA 2 1 1 $SHA256" is right if the chain
# leads to that authority.
# SPDX-License-Identifier: BSD-3-Clause
import enum
import ipaddress
from dataclasses import dataclass

from . import addresses
from .catalogue import BOTH, ENFORCE, STS_HOST, STS_TXT, TLD, UNSIGNED, State, policy, serve, zone
from .certificates import AUTHORITY_LEFT_OUT

NO_STARTTLS = "no STARTTLS"


class Manner(enum.Enum):
    """How a mail host speaks; those but the first are for mail_sink.py to spoil."""
    PLAIN = "as it should"
    BUSY = "421 for a greeting"
    SILENT = "no greeting, ever"
    SLOW = "the greeting takes two seconds"
    NO_EHLO = "EHLO is unknown"
    REFUSES_TLS = "454 to STARTTLS"
    INJECTED = "a reply in plain text right behind the one to STARTTLS"
    CUT = "the connection ends where TLS begins"
    OLD_TLS = "TLS 1.1 at most"


@dataclass(frozen=True)
class MailHost:
    name: str
    address: str
    certificate: str  # certificates.KINDS or NO_STARTTLS
    requiretls: bool  # announces REQUIRETLS (RFC 8689)
    client_certificate: bool  # takes no mail without one
    manner: Manner


MAIL_HOSTS: list[MailHost] = []
_addresses = ipaddress.ip_network(addresses.MAIL_HOSTS).hosts()


def host(name: str, certificate: str, requiretls: bool = True, client_certificate: bool = False,
         manner: Manner = Manner.PLAIN, address: str = "") -> str:
    """The address of a new mail host; one of its own if none is given."""
    address = address or str(next(_addresses))
    MAIL_HOSTS.append(
        MailHost(name, address, certificate, requiretls, client_certificate, manner)
    )
    return address


def mail(name: str, certificates: str = "good", *records: str, mx: str = "mx mx2",
         sts: str = "", served: dict | None = None, requiretls: bool = True,
         client_certificate: bool = False, manner: Manner = Manner.PLAIN, **how) -> None:
    """NAME.mail.example with a host for each of `certificates` ("first, second"), named as `mx`
    says; `sts` is its MTA-STS policy, `served` how that is served (catalogue.serve)."""
    name = f"{name}.mail"
    lines = list(records)
    for number, (label, kind) in enumerate(zip(mx.split(), certificates.split(", ")), 1):
        address = host(f"{label}.{name}.{TLD}", kind, requiretls, client_certificate, manner)
        lines += [f"@ MX {number * 10} {label}", f"{label} A {address}"]
    if sts:
        lines += [STS_TXT, STS_HOST]
        serve(name, sts, **(served or {}))
    zone(name, *lines, **how)


def at(*hosts: str) -> tuple[str, ...]:
    """MX records: hosts of other domains."""
    return tuple(f"@ MX {number} {name}." for number, name in enumerate(hosts, 10))


EE = "_25._tcp.mx TLSA 3 1 1 $MAIL_KEY"
EE_TWO = "_25._tcp.mx2 TLSA 3 1 1 $MAIL_KEY"
TA = "_25._tcp.mx TLSA 2 1 1 $SHA256"
WRONG = "_25._tcp.mx TLSA 3 1 1 $SHA256"
WRONG_TWO = "_25._tcp.mx2 TLSA 3 1 1 $SHA256"
UNUSABLE = "_25._tcp.mx TLSA 1 1 1 $MAIL_KEY"
RIGHT_HOST = f"mx.dane-self-signed.mail.{TLD}"
WRONG_HOST = f"mx.dane-wrong.mail.{TLD}"
ANY_HOST = policy("enforce", "*.$DOMAIN")
FAILS = ("_tcp.mx NS ns._tcp.mx", f"ns._tcp.mx A {addresses.FAILING_SERVER}")

zone("mail")

# --- No promise ------------------------------------------------------------------------------
mail("plain")
mail("plain-self-signed", "self-signed")
mail("plain-no-starttls", NO_STARTTLS)
mail("unsigned", "wrong name", state=UNSIGNED)

# --- MTA-STS: enforce ------------------------------------------------------------------------
mail("enforce", sts=ENFORCE)
mail("enforce-unsigned", sts=ENFORCE, state=UNSIGNED)
mail("enforce-wildcard-certificate", "wildcard", sts=ENFORCE)
mail("enforce-intermediate", "intermediate", sts=ENFORCE)
mail("enforce-intermediate-left-out", "intermediate left out", sts=ENFORCE)
mail("enforce-expired", "expired", sts=ENFORCE)
mail("enforce-not-yet-valid", "not yet valid", sts=ENFORCE)
mail("enforce-wrong-name", "wrong name", sts=ENFORCE)
mail("enforce-self-signed", "self-signed", sts=ENFORCE)
mail("enforce-untrusted", "untrusted", sts=ENFORCE)
mail("enforce-no-starttls", NO_STARTTLS, sts=ENFORCE)
mail("enforce-wildcard", mx="a.in", sts=policy("enforce", "*.in.$DOMAIN"))
mail("enforce-wildcard-deep", mx="deep.a.in", sts=policy("enforce", "*.in.$DOMAIN"))
mail("enforce-wildcard-first-deep", "good, good", mx="deep.a.in b.in",
     sts=policy("enforce", "*.in.$DOMAIN"))
mail("enforce-two", "good, good", sts=BOTH)
mail("enforce-two-first-expired", "expired, good", sts=BOTH)
mail("enforce-two-both-wrong", "expired, wrong name", sts=BOTH)
mail("enforce-first-outside", "good, good", sts=policy("enforce", "mx2.$DOMAIN"))
mail("enforce-all-outside", sts=policy("enforce", "mx.elsewhere.$DOMAIN"))

# --- MTA-STS: what promises nothing ----------------------------------------------------------
mail("testing", "self-signed", sts=policy("testing", "mx.$DOMAIN"))
mail("testing-no-starttls", NO_STARTTLS, sts=policy("testing", "mx.$DOMAIN"))
mail("none", "self-signed", sts=policy("none"))
mail("policy-404", "self-signed", sts=ENFORCE, served={"status": 404})
mail("policy-html", "self-signed", sts=ENFORCE, served={"headers": {"Content-Type": "text/html"}})
mail("policy-expired", "self-signed", sts=ENFORCE, served={"certificate": "expired"})
mail("policy-untrusted", "self-signed", sts=ENFORCE, served={"certificate": "untrusted"})
mail("policy-wrong-name", "self-signed", sts=ENFORCE, served={"certificate": "wrong name"})
mail("policy-invalid", "self-signed", sts=policy("enforce"))
mail("policy-no-host", "self-signed", STS_TXT)

# --- Hosts that speak badly ------------------------------------------------------------------
mail("busy", manner=Manner.BUSY)
mail("slow", manner=Manner.SLOW, sts=ENFORCE)
mail("no-ehlo", manner=Manner.NO_EHLO)
mail("no-ehlo-enforce", manner=Manner.NO_EHLO, sts=ENFORCE)
mail("refuses-tls", manner=Manner.REFUSES_TLS)
mail("refuses-tls-enforce", manner=Manner.REFUSES_TLS, sts=ENFORCE)
mail("injected", manner=Manner.INJECTED)
mail("injected-dane", "good", EE, manner=Manner.INJECTED)
mail("cut", manner=Manner.CUT)
mail("cut-enforce", manner=Manner.CUT, sts=ENFORCE)
mail("old-tls", manner=Manner.OLD_TLS)
mail("old-tls-dane", "good", EE, manner=Manner.OLD_TLS)
mail("address-dead", "good", f"mx A {addresses.DEAD_MAIL_HOST}", sts=ENFORCE)
mail("name-in-cn", "name in CN only", sts=ENFORCE)

# --- DANE ------------------------------------------------------------------------------------
mail("dane", "good", EE)
mail("dane-wrong", "good", WRONG)
mail("dane-expired", "expired", EE)
mail("dane-wrong-name", "wrong name", EE)
mail("dane-self-signed", "self-signed", EE)
mail("dane-ta", "good", TA)
mail("dane-ta-left-out", AUTHORITY_LEFT_OUT, TA)
mail("dane-ta-expired", "expired", TA)
mail("dane-ta-wrong-name", "wrong name", TA)
mail("dane-ta-stranger", "untrusted", TA)
mail("dane-ta-domain", "domain", TA)
mail("dane-ta-whole-left-out", AUTHORITY_LEFT_OUT, "_25._tcp.mx TLSA 2 0 0 $CERTIFICATE")
mail("dane-ta-key-left-out", AUTHORITY_LEFT_OUT, "_25._tcp.mx TLSA 2 1 0 $SPKI")
mail("dane-ta-key-stranger", "untrusted", "_25._tcp.mx TLSA 2 1 0 $SPKI")
mail("dane-rollover", "good", WRONG, EE)
mail("dane-agility", "good", EE, "_25._tcp.mx TLSA 3 1 2 $SHA512")
mail("dane-no-starttls", NO_STARTTLS, EE)
mail("dane-two-first-wrong", "good, good", WRONG, EE_TWO)
mail("dane-two-both-wrong", "good, good", WRONG, WRONG_TWO)
mail("dane-mixed", "self-signed, self-signed", EE)
mail("dane-mixed-wrong", "good, self-signed", WRONG)
mail("dane-unusable", "self-signed", UNUSABLE)
mail("dane-unusable-no-starttls", NO_STARTTLS, UNUSABLE)
mail("dane-fails", "good", *FAILS)
mail("dane-fails-one", "good, self-signed", *FAILS, EE_TWO)
mail("dane-spoilt", "good", EE, spoil="_25._tcp.mx TLSA")
zone("dane-implicit.mail", f"@ A {host(f'dane-implicit.mail.{TLD}', 'self-signed')}",
     "_25._tcp TLSA 3 1 1 $MAIL_KEY")
zone("dane-cname.mail", "@ MX 10 mx", f"mx CNAME {RIGHT_HOST}.")

# --- DANE and MTA-STS ------------------------------------------------------------------------
mail("both", "good", EE, sts=ENFORCE)
mail("both-dane-wrong", "good", WRONG, sts=ENFORCE)
mail("both-certificate-wrong", "self-signed", EE, sts=ENFORCE)
mail("both-unusable", "good", UNUSABLE, sts=ENFORCE)
mail("both-unusable-certificate-wrong", "expired", UNUSABLE, sts=ENFORCE)
mail("both-fails", "good", *FAILS, sts=ENFORCE)
mail("both-mixed", "good, good", WRONG, sts=BOTH)
mail("both-mixed-certificate-wrong", "expired, expired", EE, sts=BOTH)

# --- The MX RRset without DNSSEC -------------------------------------------------------------
zone("insecure-mx.mail", *at(RIGHT_HOST), state=UNSIGNED)
zone("insecure-mx-wrong.mail", *at(WRONG_HOST), state=UNSIGNED)
for name, target in (("certificate-wrong", RIGHT_HOST), ("dane-wrong", WRONG_HOST)):
    zone(f"insecure-mx-enforce-{name}.mail", *at(target), STS_TXT, STS_HOST, state=UNSIGNED)
    serve(f"insecure-mx-enforce-{name}.mail", policy("enforce", target))

# --- Names -----------------------------------------------------------------------------------
mail("xn--bcher-kva", "self-signed", EE)  # bücher
mail("xn--mller-kva", "good", sts=ENFORCE)  # müller

mail("under_score", "self-signed", EE)
mail("under_score-wrong", "good", WRONG)
zone("under_score-enforce.mail", *at(f"mx.enforce.mail.{TLD}"), STS_TXT, STS_HOST)
serve("under_score-enforce.mail", policy("enforce", f"mx.enforce.mail.{TLD}"))
mail("under_score-mx", "self-signed", sts=ENFORCE)
mail("host-underscore", "self-signed", "_25._tcp.mx_1 TLSA 3 1 1 $MAIL_KEY", mx="mx_1")
mail("host-underscore-wrong", "good", "_25._tcp.mx_1 TLSA 3 1 1 $SHA256", mx="mx_1", sts=ANY_HOST)
mail("host-underscore-enforce", "good", mx="mx_1", sts=ANY_HOST)

# --- Mail that has nowhere to go -------------------------------------------------------------
mail("bogus", "good", EE, state=State.SPOILT)
mail("bogus-mx", "good", EE, spoil="@ MX")
mail("host-spoilt", "good", EE, spoil="mx A")
zone("null-mx.mail", "@ MX 0 .")
zone("failing.mail", state=State.ABSENT, server=addresses.FAILING_SERVER)

# --- Overrides: what they say stands in ../test_mail.py --------------------------------------
mail("override-stronger", "good")
mail("override-stronger-wrong", "self-signed")
mail("override-weaker", "self-signed", sts=ENFORCE)
mail("override-weaker-dane", "self-signed", WRONG)
mail("override-none", "good", EE)

# --- REQUIRETLS: the other hosts announce it -------------------------------------------------
mail("dane-no-requiretls", "good", EE, requiretls=False)
mail("plain-no-requiretls", "good", requiretls=False)

# --- Partners that want a client certificate, see ../test_postfix_examples.py -----------------
mail("partner", client_certificate=True)
mail("partner-expired", "expired", client_certificate=True)
mail("bank", mx="relay", client_certificate=True)

# --- For the probe alone, see ../test_probe.py ------------------------------------------------
SILENT_HOST = host(f"mx.silent-mx.{TLD}", "good", manner=Manner.SILENT)
zone("silent-mx", "@ MX 10 mx", f"mx A {SILENT_HOST}")
host(f"mx.v6-only.{TLD}", "good", address=addresses.MAIL_HOST_V6)
zone("v6-only", "@ MX 10 mx", f"mx AAAA {addresses.MAIL_HOST_V6}", EE)
zone("dead-mx", "@ MX 10 mx", f"mx A {addresses.DEAD_MAIL_HOST}")

# --- By way of a relay host: [mx]:587, see ../test_mail.py -----------------------------------
RELAY_EE = "_587._tcp.mx TLSA 3 1 1 $MAIL_KEY"
RELAY_WRONG = "_587._tcp.mx TLSA 3 1 1 $SHA256"
mail("relay", "self-signed", WRONG, RELAY_EE)
mail("relay-wrong", "good", EE, RELAY_WRONG)
mail("relay-port-25-only", "self-signed", EE)
mail("override-relay", "self-signed")
mail("enforce-relay", "self-signed", '_mta-sts.mx 1 TXT "v=STSv1; id=20250101;"',
     f"mta-sts.mx A {addresses.POLICY_HOST}")
serve("mx.enforce-relay.mail", policy("enforce", "$DOMAIN"))

# --- As many domains with DANE as one likes, all at one host: ../test_postfix_smtp.py ---------
TO_ANY_HOST = host(f"mx.to-any.{TLD}", "good")
zone("to-any", f"* MX 10 mx.to-any.{TLD}.", f"mx A {TO_ANY_HOST}", EE)
