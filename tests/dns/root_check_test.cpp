// SPDX-License-Identifier: BSD-3-Clause
#include "dns/root_check.h"

#include <doctest/doctest.h>

#include <cstdint>
#include <string>
#include <vector>

namespace postseal::test {
namespace {

using namespace std::chrono_literals;
using dns::AskedServers;
using dns::RootAnswer;
using dns::RootFault;
using dns::Status;
using Anchors = std::vector<dns::TrustAnchor>;

const WallTime noon{std::chrono::sys_days{std::chrono::year{2026} / 11 / 30} + 12h};

std::string number(std::uint32_t value, int size) {
    std::string out;
    for (int i = size - 1; i >= 0; i--)
        out += static_cast<char>(value >> (8 * i) & 0xffU);
    return out;
}

std::uint32_t epoch(WallTime time) {
    return static_cast<std::uint32_t>(
        std::chrono::duration_cast<seconds>(time.time_since_epoch()).count());
}

std::string record(std::uint32_t type, const std::string& rdata) {
    return std::string(1, '\0') + number(type, 2) + number(1, 2) + number(3600, 4) +
           number(static_cast<std::uint32_t>(rdata.size()), 2) + rdata;
}

std::string signature(std::uint16_t key, WallTime from, WallTime to, std::uint32_t covered = 48) {
    return record(46, number(covered, 2) + "\x08" + std::string(1, '\0') + number(3600, 4) +
                          number(epoch(to), 4) + number(epoch(from), 4) + number(key, 2) +
                          std::string(1, '\0') + "signature");
}

// Bogus, with these records in its answer section.
RootAnswer bogus(const std::vector<std::string>& records) {
    RootAnswer root;
    root.answer.status = Status::bogus;
    root.answer.reason = "why";
    root.message = number(0, 4) + number(1, 2) +
                   number(static_cast<std::uint32_t>(records.size()), 2) + number(0, 4) +
                   std::string(1, '\0') + number(48, 2) + number(1, 2);
    for (const std::string& one : records)
        root.message += one;
    return root;
}

dns::RootCheck check(const RootAnswer& root, const Anchors& anchors = {{"", 20326}, {"", 38696}},
                     AskedServers asked = AskedServers::authoritative, WallTime now = noon) {
    return dns::check_root(root, anchors, asked, now);
}

const std::string key = record(48, number(257, 2) + "\x03\x08key");

TEST_CASE("check_root: what validates has no fault; without an anchor there is nothing to check") {
    RootAnswer root;
    root.answer.status = Status::found;
    root.answer.security = dns::Security::secure;
    CHECK(check(root) == dns::RootCheck{});
    root.answer.security = dns::Security::insecure;
    CHECK(check(root, {}) == dns::RootCheck{});
}

TEST_CASE("check_root: 20326 alone, after the roll of 2026-10-11") {
    const auto found = check(bogus({key, signature(38696, noon - 24h, noon + 24h)}), {{"", 20326}});
    CHECK(found.fault == RootFault::trust_anchor);
    CHECK(found.reason == "the root is signed by key 38696, our trust anchor has key 20326");
    CHECK(found.fix.find("trust_anchor = [\"system\"]") != std::string::npos);
    // An anchor of another zone does not help.
    CHECK(check(bogus({key, signature(38696, noon - 24h, noon + 24h)}),
                {{"", 20326}, {"example", 38696}})
              .fault == RootFault::trust_anchor);
}

TEST_CASE("check_root: who strips signatures") {
    CHECK(check(bogus({key})).fault == RootFault::stripped);
    CHECK(check(bogus({})).fault == RootFault::stripped);
    CHECK(check(bogus({key, signature(38696, noon - 24h, noon + 24h, 2)})).fault ==
          RootFault::stripped); // of other records
    const auto fix_for = [](AskedServers asked) {
        return check(bogus({key}), {{"", 1}}, asked).fix;
    };
    CHECK(fix_for(AskedServers::authoritative).find("port 53") != std::string::npos);
    CHECK(fix_for(AskedServers::forwarders).find("[dns] forward") != std::string::npos);
    CHECK(fix_for(AskedServers::system).find("/etc/resolv.conf") != std::string::npos);
}

TEST_CASE("check_root: a clock that is years off, by the signature that fits") {
    for (const auto& off : {std::chrono::hours(24 * 365 * 4), std::chrono::hours(-24 * 365 * 20)}) {
        const auto found = check(bogus({key, signature(38696, noon - 24h, noon + 24h)}),
                                 {{"", 38696}}, AskedServers::authoritative, noon + off);
        CHECK(found.fault == RootFault::clock);
        CHECK(found.reason.find("from 2026-11-29T12:00:00Z to 2026-12-01T12:00:00Z") !=
              std::string::npos);
    }
    // One of our keys signs for now: the other signature is not the reason.
    CHECK(check(bogus({key, signature(20326, noon - 48h, noon - 24h),
                       signature(38696, noon - 24h, noon + 24h)}))
              .fault == RootFault::altered);
}

TEST_CASE("check_root: a signature of our key and our time that does not fit") {
    const auto found = check(bogus({key, signature(38696, noon - 24h, noon + 24h)}));
    CHECK(found.fault == RootFault::altered);
    CHECK(found.reason == "the root's signature is wrong: why");
    // The anchors may be in an unbound.conf.
    CHECK(check(bogus({key, signature(38696, noon - 24h, noon + 24h)}), {}).fault ==
          RootFault::altered);
}

TEST_CASE("check_root: no answer") {
    RootAnswer root;
    root.answer.reason = "no answer in 8 s";
    CHECK(check(root).fault == RootFault::unreachable);
    CHECK(check(root).reason == "the root's keys cannot be obtained: no answer in 8 s");
    root.answer.status = Status::nxdomain;
    root.answer.reason.clear();
    CHECK(check(root).fault == RootFault::unreachable);
}

TEST_CASE("check_root: a message that is cut short is not evidence, and no crash") {
    const RootAnswer whole = bogus({key, signature(20326, noon - 24h, noon + 24h)});
    for (std::size_t size = 0; size < whole.message.size(); size++) {
        RootAnswer cut = whole;
        cut.message.resize(size);
        CHECK(check(cut).fault != RootFault::none);
    }
}

TEST_CASE("own_fault_clause: fits into a reason that Postfix is given") {
    for (const auto& root : {bogus({key}), bogus({key, signature(38696, noon, noon)})})
        CHECK(own_fault_clause(check(root, {{"", 20326}})).size() < 230);
}

} // namespace
} // namespace postseal::test
