// SPDX-License-Identifier: BSD-3-Clause
//
// Any octets as TLSA RDATA, and as a certificate and a key in it.
#include "postseal/dane/usability.h"

#include "fuzz/check.h"

#include <cstddef>
#include <string>
#include <vector>

namespace {

using postseal::fuzz::check;
using namespace postseal::dane;

void check_record(const Tlsa& tlsa) {
    check(to_string(tlsa).size() <= 12 + 80 + 3);
    const auto judged = usable(tlsa);
    check(any_usable(std::vector{tlsa}) == judged.has_value());
    if (!judged) {
        check(!judged.error().empty());
        return;
    }
    check((tlsa.usage == 2 || tlsa.usage == 3) && tlsa.selector < 2 && tlsa.matching_type < 3);
    // Whatever data is well-formed ends where it ends, and is never both a certificate and a key.
    auto longer = tlsa;
    longer.data += '\0';
    check(!usable(longer));
    auto shorter = tlsa;
    shorter.data.pop_back();
    check(!usable(shorter));
    auto other = tlsa;
    other.selector ^= 1U;
    check(usable(other).has_value() == (tlsa.matching_type != 0));
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string octets(postseal::fuzz::as_text(data, size));
    const auto tlsa = parse_tlsa(octets);
    check(tlsa.has_value() == (size > 3));
    if (tlsa) {
        check(tlsa->data.size() == size - 3);
        check_record(*tlsa);
    }
    check_record({.usage = 3, .selector = 0, .matching_type = 0, .data = octets});
    check_record({.usage = 2, .selector = 1, .matching_type = 0, .data = octets});
    return 0;
}
