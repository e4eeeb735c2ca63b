// SPDX-License-Identifier: BSD-3-Clause
#include "dns/negative_ttl.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>

namespace postseal::dns {
namespace {

constexpr std::uint16_t type_soa = 6;
constexpr std::size_t least_soa = 22; // two root names and five numbers

// Reads from the front; once something is missing it stays false.
class Reader {
  public:
    explicit Reader(std::string_view bytes) : rest_(bytes) {}

    [[nodiscard]] bool good() const { return good_; }

    std::string_view take(std::size_t size) {
        if (size > rest_.size()) good_ = false;
        if (!good_) return {};
        const std::string_view out = rest_.substr(0, size);
        rest_.remove_prefix(size);
        return out;
    }
    std::uint32_t number(std::size_t size) {
        std::uint32_t value = 0;
        for (const char c : take(size))
            value = value << 8U | static_cast<unsigned char>(c);
        return value;
    }
    void skip_name() {
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

  private:
    std::string_view rest_;
    bool good_ = true;
};

// RFC 2181 section 8: the top bit set means zero.
seconds ttl_of(std::uint32_t value) { return seconds((value & 0x80000000U) != 0 ? 0 : value); }

struct Record {
    std::uint32_t type = 0;
    seconds ttl{0};
    std::string_view rdata;
};

Record next_record(Reader& reader) {
    Record record;
    reader.skip_name();
    record.type = reader.number(2);
    reader.take(2); // class
    record.ttl = ttl_of(reader.number(4));
    record.rdata = reader.take(reader.number(2));
    return record;
}

} // namespace

seconds negative_ttl(std::string_view message) {
    Reader reader(message);
    reader.take(4); // ID and flags
    const std::uint32_t questions = reader.number(2);
    const std::uint32_t answers = reader.number(2);
    const std::uint32_t authorities = reader.number(2);
    reader.take(2); // additional
    for (std::uint32_t i = 0; i < questions && reader.good(); i++) {
        reader.skip_name();
        reader.take(4);
    }
    std::optional<seconds> soa;
    seconds least = seconds::max();
    for (std::uint32_t i = 0; i < answers + authorities && reader.good(); i++) {
        const Record record = next_record(reader);
        least = std::min(least, record.ttl);
        if (i < answers || record.type != type_soa || record.rdata.size() < least_soa) continue;
        Reader minimum(record.rdata.substr(record.rdata.size() - 4));
        soa = std::min(record.ttl, ttl_of(minimum.number(4)));
    }
    if (!reader.good() || !soa) return seconds(0);
    return std::min(least, *soa);
}

} // namespace postseal::dns
