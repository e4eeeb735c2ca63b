# delegation.py: a policy delegation client that asks as smtpd(8) does (SMTPD_POLICY_README)
# SPDX-License-Identifier: BSD-3-Clause
import socket

# What each Postfix sends, in its order (POSTFIX 3.7: smtpd_check.c check_policy_service()).
ATTRIBUTES_3_7 = {
    "request": "smtpd_access_policy",
    "protocol_state": "RCPT",
    "protocol_name": "ESMTP",
    "client_address": "192.0.2.7",
    "client_name": "client.example.net",
    "client_port": "41234",
    "reverse_client_name": "client.example.net",
    "server_address": "192.0.2.1",
    "server_port": "587",
    "helo_name": "client.example.net",
    "sender": "sender@example.net",
    "recipient": "",
    "recipient_count": "0",
    "queue_id": "",
    "instance": "6f1.65f0a1b2.c3d4e.0",
    "size": "1234",
    "etrn_domain": "",
    "stress": "",
    "sasl_method": "PLAIN",
    "sasl_username": "sender",
    "sasl_sender": "",
    "ccert_subject": "",
    "ccert_issuer": "",
    "ccert_fingerprint": "",
    "ccert_pubkey_fingerprint": "",
    "encryption_protocol": "TLSv1.3",
    "encryption_cipher": "TLS_AES_256_GCM_SHA384",
    "encryption_keysize": "256",
    "policy_context": "",
}
ATTRIBUTES_3_10 = ATTRIBUTES_3_7 | {"compatibility_level": "3.10", "mail_version": "3.10.13"}


def request(recipient: str, attributes: dict = ATTRIBUTES_3_7, **changes: str) -> bytes:
    lines = attributes | changes | {"recipient": recipient}
    return "".join(f"{name}={value}\n" for name, value in lines.items()).encode() + b"\n"


def replies(connection: socket.socket, count: int) -> list[str]:
    """The actions; each reply is one line and an empty one."""
    found = []
    with connection.makefile("rb") as file:
        for _ in range(count):
            line = file.readline().decode("ascii")
            assert line.startswith("action=") and line.endswith("\n"), line
            assert file.readline() == b"\n"
            found.append(line.removeprefix("action=").removesuffix("\n"))
    return found
