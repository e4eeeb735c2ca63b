# world: DNS, policy hosts and mail hosts of an Internet of our own, in a network namespace
#
#     with World(folder) as world: ...
#
# enters the namespace (the whole process does: see netns.py), starts the name servers, the policy
# server and the mail hosts, and stops them at the end. world.trust_anchor, world.root_hints and
# world.ca_file are what a resolver and an HTTPS client need. Starting takes about two seconds.
# SPDX-License-Identifier: BSD-3-Clause
import pathlib

from . import addresses, nameserver, netns
from .catalogue import POLICY_HOSTS, ZONES, Zone
from .certificates import CertificateStore
from .mail_catalogue import MAIL_HOSTS
from .mail_sink import MailSink
from .nameserver import FailingServer, NameServer, SilentServer
from .netns import Unavailable
from .policy_server import PolicyServer
from .zones import ZoneFiles

__all__ = ["Unavailable", "World"]


class World:
    def __init__(self, folder: pathlib.Path) -> None:
        """Unavailable is raised if this machine cannot have it."""
        if reason := nameserver.missing():
            raise Unavailable(reason)
        self.enter_command = netns.enter(
            [addresses.POLICY_HOST_V6, addresses.MX_HOST_V6, addresses.MAIL_HOST_V6]
        )
        certificates = self.certificates = CertificateStore(folder / "certificates")
        self.zones = ZoneFiles(
            folder / "zones", ZONES, certificates.root.certificate, certificates.mail_key
        )
        self.zones.write_all()
        self.trust_anchor = folder / "root.key"
        self.root_hints = folder / "root.hints"
        self.ca_file = certificates.ca_file
        self.zones.write_trust_anchor(self.trust_anchor)
        self.zones.write_root_hints(self.root_hints)
        self.policy_server = PolicyServer(dict(POLICY_HOSTS), certificates)
        self.mail_sink = MailSink(MAIL_HOSTS, certificates)
        self._name_servers = {
            address: NameServer(folder, address, names, self.zones)
            for address, names in self.zones.served.items()
        }
        self._useless_servers = [SilentServer(), FailingServer()]

    def __enter__(self) -> "World":
        self.start_dns()
        self.policy_server.start()
        self.mail_sink.start()
        return self

    def __exit__(self, *_) -> None:
        self.mail_sink.stop()
        self.policy_server.stop()
        self.stop_dns()

    def start_dns(self) -> None:
        for server in [*self._useless_servers, *self._name_servers.values()]:
            server.start()
        for server in self._name_servers.values():
            server.wait_until_ready()

    def stop_dns(self) -> None:
        for server in [*self._useless_servers, *self._name_servers.values()]:
            server.stop()

    def silence_dns(self) -> None:
        """The name servers take questions and do not answer until speak_dns()."""
        for server in self._name_servers.values():
            server.fall_silent()

    def speak_dns(self) -> None:
        for server in self._name_servers.values():
            server.speak_again()

    def change_zone(self, zone: Zone) -> None:
        """Back when the name server has the new contents."""
        serial = self.zones.write(zone)
        self._name_servers[addresses.ZONE_SERVER].reload(zone.name, serial)
