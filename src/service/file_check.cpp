// SPDX-License-Identifier: BSD-3-Clause
#include "service/file_check.h"

#include "config/file.h"
#include "dns/unbound.h"
#include "engine/override_notes.h"
#include "engine/overrides.h"
#include "fleet/server_location.h"
#include "service/part_options.h"
#include "tls/trust.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <iterator>
#include <string_view>
#include <system_error>
#include <utility>

namespace postseal::service {

namespace {

std::string_view fix_of(std::string_view key) {
    if (key == "dns.trust_anchor")
        return "name a file with the root's DS or DNSKEY records, or write \"system\"";
    if (key == "dns.root_hints")
        return "name a file like https://www.internic.net/domain/named.root, or write \"system\"";
    if (key == "https.ca_file")
        return "name a file with the authorities' certificates in PEM form, or leave the key out "
               "for the system's";
    if (key == "verdict.overrides") return "let the user postseald runs as read it";
    return "";
}

// As a fault at `key`: without the key in front, and with what to do.
std::string text_of(std::string_view key, std::string text) {
    if (const std::string head = fmt::format("{}: ", key); text.starts_with(head))
        text.erase(0, head.size());
    const std::string_view fix = fix_of(key);
    return fix.empty() || text.contains("; ") ? text : fmt::format("{}; {}", text, fix);
}

// Opened with one setting alone, so that a fault is that one's; libunbound itself says no more than
// that something is wrong.
class DnsCheck {
  public:
    DnsCheck(const config::Dns& dns, std::vector<config::Error>& errors,
             std::function<config::Error(std::string_view key, std::string text)> error)
        : dns_(dns), errors_(errors), error_(std::move(error)) {}

    void run() {
        const std::size_t before = errors_.size();
        for (const std::string& anchor : dns_.trust_anchor)
            one("dns.trust_anchor", [&](config::Dns& dns) { dns.trust_anchor = {anchor}; });
        one("dns.root_hints", [&](config::Dns& dns) { dns.root_hints = dns_.root_hints; });
        one("dns.unbound_conf", [&](config::Dns& dns) { dns.unbound_conf = dns_.unbound_conf; });
        one("dns.forward", [&](config::Dns& dns) { dns.forward = dns_.forward; });
        for (const std::string& stub : dns_.stub)
            one("dns.stub", [&](config::Dns& dns) { dns.stub = {stub}; });
        for (const std::string& prefix : dns_.private_name_servers)
            one("dns.private_name_servers",
                [&](config::Dns& dns) { dns.private_name_servers = {prefix}; });
        if (errors_.size() == before) note("dns", dns_);
    }

  private:
    template <class Change> void one(std::string_view key, Change change) {
        config::Dns dns;
        dns.trust_anchor.clear();
        dns.root_hints.clear();
        change(dns);
        note(key, dns);
    }
    void note(std::string_view key, const config::Dns& dns) {
        const auto resolver = dns::Unbound::open(loop_, unbound_options(dns));
        if (!resolver) errors_.push_back(error_(key, resolver.error()));
    }

    async::UvLoop loop_;
    const config::Dns& dns_;
    std::vector<config::Error>& errors_;
    std::function<config::Error(std::string_view key, std::string text)> error_;
};

} // namespace

FileCheck check_files(const config::Faults& read, const std::string& file) {
    const config::Config& config = read.config;
    FileCheck check;
    const auto error = [&](std::string_view key, std::string text) {
        return config::Error{file, read.line_of(key), std::string(key),
                             text_of(key, std::move(text))};
    };
    if (config::has_shared_store(config))
        if (const auto place = fleet::parse_server_location(config.store); !place)
            check.errors.push_back(error("store", place.error()));
    if (const auto text = config::read_file(config.overrides)) {
        auto overrides = engine::Overrides::read(*text, config.overrides);
        check.overrides = overrides.overrides.size();
        check.notes = engine::override_notes(overrides.overrides);
        std::ranges::move(overrides.faults, std::back_inserter(check.errors));
    } else if (text.error() != std::errc::no_such_file_or_directory) {
        check.errors.push_back(
            error("verdict.overrides", fmt::format("cannot read the overrides {}: {}",
                                                   config.overrides, text.error().message())));
    }
    DnsCheck(config.dns, check.errors, error).run();
    if (const auto trust = tls::Trust::load(config.https.ca_file); !trust)
        check.errors.push_back(error("https.ca_file", trust.error()));
    return check;
}

FileCheck check_all(const std::string& file) {
    const config::Faults read = config::faults(file);
    FileCheck check = check_files(read, file);
    check.errors.insert(check.errors.begin(), read.errors.begin(), read.errors.end());
    return check;
}

} // namespace postseal::service
