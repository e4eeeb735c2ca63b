// support/fake_resolver.h: a Resolver whose world is a small text, in the loop's time
//
// A line of the text is a comment ("#"), or:
//   zone NAME secure|insecure [TTL]          what holds for negative answers at and below NAME
//   NAME TYPE secure|insecure TTL RDATA      a record; same NAME and TYPE: one RRset
//   NAME TYPE secure|insecure TTL nodata     no such records
//   NAME TYPE secure|insecure TTL nxdomain   no such name
//   NAME CNAME secure|insecure TTL TARGET    an alias, followed for the types that NAME lacks
//   NAME TYPE alias TARGET                   the answer came through a CNAME, whatever else is
//   asked NAME TYPE bogus REASON NAME TYPE failed REASON NAME TYPE hang never answered NAME TYPE
//   delay MILLISECONDS             the answer, whatever it is, comes that much later
//   NAME TYPE queued MILLISECONDS            it is asked that much later, for want of a turn of
//   ours
// TYPE is A, AAAA, MX, TXT, TLSA, CNAME or DNAME (not followed), or "*" (bogus, failed, hang,
// delay, queued, nodata, nxdomain): every type that NAME has no line of its own for. What no line
// speaks of is nodata if NAME has any line, else nxdomain; secure and with the TTL (300 if not
// given) as the nearest zone line says, insecure if there is none. RDATA: A, AAAA as usual; MX "10
// mx.example.com", "0 ."; TLSA "3 1 1 ab*32" (octet ab 32 times) or all hex digits; TXT "a string"
// "and another"; for any type "\# HEX" (RFC 3597), for what is malformed. Every answer comes in a
// later turn of the loop. A fault in the text throws.
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "async/loop.h"
#include "dns/resolver.h"

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace postseal::test {

class FakeResolver final : public dns::Resolver {
  public:
    explicit FakeResolver(async::Loop& loop, std::string_view text = {});

    // Adds lines; a name and type that has lines already gets the new ones instead.
    void set(std::string_view text);

    // While blocked, every question fails after 8 s, as if no server answered.
    void block(bool blocked) { blocked_ = blocked; }

    async::Task<dns::Answer> resolve(std::string name, dns::RrType type) override {
        return resolve_for({}, std::move(name), type);
    }
    async::Task<dns::Answer> resolve_for(dns::Asker asker, std::string name,
                                         dns::RrType type) override;

    // "example.com MX", in the order in which they were asked.
    [[nodiscard]] const std::vector<std::string>& questions() const { return questions_; }
    [[nodiscard]] std::size_t count(std::string_view question) const;
    void forget_questions() { questions_.clear(); }
    [[nodiscard]] std::size_t in_flight() const { return in_flight_; }
    [[nodiscard]] std::size_t max_in_flight() const { return max_in_flight_; }

  private:
    struct Entry {
        std::optional<dns::Answer> answer;
        bool hangs = false;
        milliseconds delay{0};
        milliseconds queued{0};
    };
    struct Zone {
        dns::Security security = dns::Security::insecure;
        seconds ttl{300};
    };
    using Key = std::pair<std::string, std::string>; // name and type

    void add_line(std::string_view line, std::map<Key, Entry>& fresh);
    [[nodiscard]] const Entry* find(const std::string& name, const std::string& type) const;
    [[nodiscard]] const dns::Answer* own_answer(const std::string& name,
                                                const std::string& type) const;
    [[nodiscard]] Zone zone_of(std::string_view name) const;
    [[nodiscard]] dns::Answer negative(const std::string& name) const;
    [[nodiscard]] dns::Answer answer_for(std::string name, dns::RrType type) const;

    async::Loop& loop_;
    std::map<Key, Entry> entries_;
    std::map<std::string, Zone, std::less<>> zones_;
    std::vector<std::string> questions_;
    bool blocked_ = false;
    std::size_t in_flight_ = 0;
    std::size_t max_in_flight_ = 0;
};

} // namespace postseal::test
