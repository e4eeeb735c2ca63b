# test_fleet_bad_node.py: one bad node of a fleet, and what the others answer (fleet/merge.h)
# SPDX-License-Identifier: BSD-3-Clause
import shutil

from fleet import enforced, wait_until

STS = "sts-one.example"
DANE = "dane.example"


def test_a_wrong_ca_file_of_one_node_holds_nobody_back(fleet, world):
    """Its fetch fails; another, asked right after, fetches and enforces."""
    bad, good, third = fleet.nodes
    bad.stop()
    wrong = bad.folder / "wrong-ca.pem"
    other_ca(wrong)
    bad.settings.setdefault("https", {})["ca_file"] = str(wrong)
    bad.write_configuration(bad.settings)
    bad.start()
    assert bad.ask(STS) == "NOTFOUND "
    # What promises nothing is not shared.
    fleet.wait_until_shared()
    assert fleet.sql(f"SELECT count(*) FROM postseal_sts WHERE domain = '{STS}'") == "0"
    assert good.tool("show", STS).stdout == ""
    assert good.ask(STS) == enforced(STS)
    assert third.ask(STS) == enforced(STS)
    # And protects the bad one, too.
    wait_until(lambda: bad.ask(STS) == enforced(STS), "the policy does not come")


def other_ca(path) -> None:
    """Certificates of somebody else: the system's."""
    shutil.copy("/etc/ssl/certs/ca-certificates.crt", path)


def test_a_resolver_without_validation_of_one_node_is_not_believed(fleet, world):
    """It finds everything insecure: no DANE. That is remembered nowhere else."""
    bad, good, third = fleet.nodes
    bad.stop()
    bad.settings["dns"]["unbound_conf"] = str(bad.folder / "unbound.conf")
    (bad.folder / "unbound.conf").write_text('server:\n  domain-insecure: "dane.example"\n')
    bad.write_configuration(bad.settings)
    bad.start()
    assert bad.ask(DANE) == "NOTFOUND "
    fleet.wait_until_shared()
    assert fleet.sql(f"SELECT count(*) FROM postseal_nexthop WHERE nexthop = '{DANE}'") == "0"
    assert good.tool("show", DANE).stdout == ""
    world.stop_dns()
    try:
        # Nobody knows whether there is DANE: row 5, with DANE if there is, and not row 4, "may".
        assert good.ask(DANE) == "OK dane"
        assert good.explain(DANE)["verdict"]["row"] == 5
    finally:
        world.start_dns()
    wait_until(lambda: third.ask(DANE) == "OK dane-only", "DANE does not count")
    assert third.tool("show", DANE).stdout.count(f"recorded by this node, {third.name}") == 1


def test_an_old_trust_anchor_of_one_node_is_not_believed(fleet, world):
    bad, good, _ = fleet.nodes
    bad.stop()
    anchor = bad.folder / "old.key"
    anchor.write_text(". IN DS 20326 8 2 "
                      "E06D44B80B8F1D39A95C0B0D7C65D08458E880409BBC683457104237C7F8EC8D\n")
    bad.settings["dns"]["trust_anchor"] = [str(anchor)]
    bad.write_configuration(bad.settings)
    bad.start()
    # What exactly it answers is its own matter; others learn nothing wrong by it.
    bad.ask(DANE)
    bad.ask(STS)
    fleet.wait_until_shared()
    assert good.ask(DANE) == "OK dane-only"
    assert good.ask(STS) == enforced(STS)
    assert fleet.sql("SELECT count(*) FROM postseal_nexthop WHERE NOT dane"
                     f" AND dane_by = '{bad.name}'") == "0"
