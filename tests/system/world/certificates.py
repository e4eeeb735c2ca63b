# certificates.py: a private certification authority, and certificates good and bad
#
# Everything is written as PEM into one folder. chain(kind, host) gives the file of a certificate
# chain with its key for the host (or client) named, as ssl.SSLContext.load_cert_chain() reads it.
# SPDX-License-Identifier: BSD-3-Clause
import datetime
import pathlib

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

DAY = datetime.timedelta(days=1)
AUTHORITY_LEFT_OUT = "authority left out"
KINDS = (
    "good", "expired", "not yet valid", "wrong name", "untrusted", "self-signed", "name in CN only",
    "wildcard", "domain", "intermediate", "intermediate left out", AUTHORITY_LEFT_OUT, "client",
)


class Authority:
    """A certification authority: the root's if `issuer` is None."""

    def __init__(self, name: str, issuer: "Authority | None" = None) -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        by = issuer or self
        builder = _builder(self.name, self.key, by.name, by.key)
        builder = builder.add_extension(x509.BasicConstraints(True, None), critical=True)
        builder = builder.add_extension(_key_usage(authority=True), critical=True)
        self.certificate = builder.sign(by.key, hashes.SHA256())


class CertificateStore:
    def __init__(self, folder: pathlib.Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self.root = Authority("postseal test authority")
        self.intermediate = Authority("postseal test intermediate", self.root)
        self.stranger = Authority("an authority nobody trusts")
        # All mail hosts have this key, whatever their certificates: TLSA records name it.
        self.mail_key = ec.generate_private_key(ec.SECP256R1())
        self.ca_file = folder / "ca.pem"
        self.ca_file.write_bytes(_pem(self.root.certificate))
        self.other_ca_file = folder / "other-ca.pem"  # of an authority that no host is of
        self.other_ca_file.write_bytes(_pem(self.stranger.certificate))

    def mail_chain(self, kind: str, host: str) -> pathlib.Path:
        """With the root's certificate, as DANE-TA needs it (RFC 7672 section 3.1.1)."""
        path = self.chain(kind, host, self.mail_key)
        if kind != AUTHORITY_LEFT_OUT:
            with open(path, "ab") as file:
                file.write(_pem(self.root.certificate))
        return path

    def chain(self, kind: str, host: str, key=None) -> pathlib.Path:
        """`key`: a new one if there is none."""
        assert kind in KINDS, kind
        key = key or ec.generate_private_key(ec.SECP256R1())
        common_name = host if kind in ("name in CN only", "client") else "a policy host"
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])
        issuer = {
            "untrusted": self.stranger,
            "intermediate": self.intermediate,
            "intermediate left out": self.intermediate,
        }.get(kind, self.root)
        days = {"expired": (-60, -30), "not yet valid": (30, 60)}.get(kind, (-1, 30))
        own = kind == "self-signed"
        issuer_name, issuer_key = (subject, key) if own else (issuer.name, issuer.key)
        builder = _builder(subject, key, issuer_name, issuer_key, *days)
        if kind != "name in CN only":
            names = {
                "wrong name": "www." + host.partition(".")[2],
                "wildcard": "*." + host.partition(".")[2],
                "domain": host.partition(".")[2],
            }
            san = x509.SubjectAlternativeName([x509.DNSName(names.get(kind, host))])
            builder = builder.add_extension(san, critical=False)
        client = kind == "client"
        usage = x509.ExtendedKeyUsage([
            ExtendedKeyUsageOID.CLIENT_AUTH if client else ExtendedKeyUsageOID.SERVER_AUTH
        ])
        builder = builder.add_extension(usage, critical=False)
        certificate = builder.sign(issuer_key, hashes.SHA256())
        # In the order that Postfix wants (postconf(5), smtp_tls_chain_files).
        pem = key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        pem += _pem(certificate)
        if kind == "intermediate":
            pem += _pem(self.intermediate.certificate)
        path = self.folder / f"{host}.pem"
        path.write_bytes(pem)
        return path


def _builder(
    subject, key, issuer, issuer_key, first_day=-1, last_day=30
) -> x509.CertificateBuilder:
    now = datetime.datetime.now(datetime.timezone.utc)
    # Python from 3.13 on verifies as strictly as RFC 5280 section 4.2.1 is written.
    subject_id = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    issuer_id = x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key())
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now + first_day * DAY)
        .not_valid_after(now + last_day * DAY)
        .add_extension(subject_id, critical=False)
        .add_extension(issuer_id, critical=False)
    )


def _key_usage(authority: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True, content_commitment=False, key_encipherment=False,
        data_encipherment=False, key_agreement=False, key_cert_sign=authority,
        crl_sign=authority, encipher_only=False, decipher_only=False,
    )


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)
