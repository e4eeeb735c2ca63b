// SPDX-License-Identifier: BSD-3-Clause
//
// The input is a key, and a domain.
#include "postseal/base/nexthop.h"

#include "fuzz/check.h"

#include <string>
#include <string_view>

namespace {

using postseal::Domain;
using postseal::Nexthop;
using postseal::fuzz::check;

bool is_of_a_name(char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
}

// What the class promises, said a second time in another way than the parser's.
void check_name(const Domain& domain) {
    const std::string& name = domain.name();
    check(!name.empty() && name.size() <= 253);
    std::size_t label = 0;
    for (std::size_t i = 0; i <= name.size(); i++) {
        if (i < name.size() && name[i] != '.') {
            check(is_of_a_name(name[i]));
            label++;
            continue;
        }
        check(label >= 1 && label <= 63 && name[i - 1] != '-' && name[i - label] != '-');
        label = 0;
    }
    check(name.find_first_not_of("0123456789", name.rfind('.') + 1) != std::string::npos);
    check(Domain::parse(name) == domain);
    check(Domain::parse(name + ".") == domain);
}

void check_error(const std::string& text) {
    check(!text.empty() && text.size() <= 200 && postseal::fuzz::is_printable(text));
}

// Of an address there is one canonical key, and no name has one.
void check_address(std::string_view text) {
    const auto address = Nexthop::parse_address(text);
    if (!address) return check_error(address.error().text);
    check(address->is_address && address->literal_host && address->port != 0);
    check(!Nexthop::parse(text));
    check(postseal::fuzz::is_printable(address->key()) && address->key().size() < 100);
    check(Nexthop::parse_address(address->key()) == address);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto text = postseal::fuzz::as_text(data, size);
    const auto domain = Domain::parse(text);
    if (domain)
        check_name(*domain);
    else
        check_error(domain.error().text);

    check_address(text);
    const auto nexthop = Nexthop::parse(text);
    if (domain) check(nexthop && nexthop->domain == *domain && !nexthop->literal_host);
    if (!nexthop) {
        check_error(nexthop.error().text);
        return 0;
    }
    check_name(nexthop->domain);
    check(nexthop->port != 0);
    check(Nexthop::parse(nexthop->key()) == nexthop);
    check(Nexthop::parse(nexthop->key())->key() == nexthop->key());
    if (nexthop->port == 25) check(Nexthop::parse(nexthop->key() + ":25") == nexthop);
    return 0;
}
