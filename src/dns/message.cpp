// SPDX-License-Identifier: BSD-3-Clause
#include "dns/message.h"

namespace postseal::dns {

std::string_view MessageReader::take(std::size_t size) {
    if (size > rest_.size()) good_ = false;
    if (!good_) return {};
    const std::string_view out = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return out;
}

std::uint32_t MessageReader::number(std::size_t size) {
    std::uint32_t value = 0;
    for (const char c : take(size))
        value = value << 8U | static_cast<unsigned char>(c);
    return value;
}

void MessageReader::skip_name() {
    while (good_) {
        const std::uint32_t length = number(1);
        if (length == 0) return;
        if (length >= 0xc0) { // a compression pointer ends the name
            take(1);
            return;
        }
        take(length);
    }
}

MessageReader::Counts MessageReader::skip_to_answers() {
    take(4); // ID and flags
    const std::uint32_t questions = number(2);
    const Counts counts{.answers = number(2), .authorities = number(2)};
    take(2); // additional
    for (std::uint32_t i = 0; i < questions && good_; i++) {
        skip_name();
        take(4);
    }
    return counts;
}

MessageReader::Record MessageReader::next_record() {
    Record record;
    skip_name();
    record.type = number(2);
    take(2); // class
    record.ttl = ttl_of(number(4));
    record.rdata = take(number(2));
    return record;
}

seconds ttl_of(std::uint32_t value) { return seconds((value & 0x80000000U) != 0 ? 0 : value); }

} // namespace postseal::dns
