// SPDX-License-Identifier: BSD-3-Clause
#include "cache/cached_answer.h"

#include <malloc.h>

#include <algorithm>
#include <cassert>
#include <cstdlib>
#include <limits>
#include <new>
#include <type_traits>

namespace postseal::cache {

static_assert(std::is_trivially_destructible_v<std::atomic<MonoTime>>); // free(3) is enough
static_assert(std::atomic<MonoTime>::is_always_lock_free);

CachedAnswer* CachedAnswer::make(std::string_view key, const Replies& replies,
                                 const Header& header) {
    assert(key.size() <= std::numeric_limits<std::uint16_t>::max());
    std::size_t size = sizeof(CachedAnswer) + replies.size() * sizeof(std::uint32_t) + key.size();
    for (const std::string& reply : replies)
        size += reply.size();
    void* block = std::malloc(size);
    if (block == nullptr) throw std::bad_alloc();
    return new (block) CachedAnswer(key, replies, header);
}

CachedAnswer::CachedAnswer(std::string_view key, const Replies& replies, const Header& header)
    : hash_(header.hash), until_(header.until), asked_(header.asked), edition_(header.edition),
      taken_(static_cast<std::uint32_t>(octets_taken(this))),
      key_size_(static_cast<std::uint16_t>(key.size())),
      replies_(static_cast<std::uint16_t>(replies.size())),
      cls_(static_cast<std::uint8_t>(replies.cls)) {
    auto* end = const_cast<std::uint32_t*>(ends());
    auto* to = const_cast<char*>(octets());
    to = std::ranges::copy(key, to).out;
    std::uint32_t sum = 0;
    for (const std::string& reply : replies) {
        to = std::ranges::copy(reply, to).out;
        *end++ = sum += static_cast<std::uint32_t>(reply.size());
    }
}

std::string_view CachedAnswer::at(std::size_t variant) const {
    assert(variant < replies_);
    const std::uint32_t begin = variant == 0 ? 0 : ends()[variant - 1];
    return {octets() + key_size_ + begin, ends()[variant] - begin};
}

std::size_t octets_taken(void* block) { return ::malloc_usable_size(block) + sizeof(void*); }

} // namespace postseal::cache
