// dns/message.h: a DNS message in wire form, read from the front (RFC 1035 section 4)
//
// Once something is missing, good() is false and stays so, and all that is read is empty or 0.
// Owner names are passed over; RDATA is as it stands in the message.
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "postseal/base/time.h"

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace postseal::dns {

class MessageReader {
  public:
    explicit MessageReader(std::string_view bytes) : rest_(bytes) {}

    [[nodiscard]] bool good() const { return good_; }

    std::string_view take(std::size_t size);
    std::uint32_t number(std::size_t size); // big-endian, at most 4 bytes
    void skip_name();

    struct Counts {
        std::uint32_t answers = 0;
        std::uint32_t authorities = 0;
    };
    // The header and the questions: what follows is the answer section.
    Counts skip_to_answers();

    struct Record {
        std::uint32_t type = 0;
        seconds ttl{0}; // RFC 2181 section 8: the top bit set means zero
        std::string_view rdata;
    };
    Record next_record();

  private:
    std::string_view rest_;
    bool good_ = true;
};

// RFC 2181 section 8
[[nodiscard]] seconds ttl_of(std::uint32_t value);

} // namespace postseal::dns
