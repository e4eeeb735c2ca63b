// store/lost_promises.h: names whose promise was dropped from memory before it could be written
//
// For as long as the promise lasts, "no row" does not mean that there is none. When there are too
// many to keep one by one, every name counts as one of them.
// Thread: whoever owns one.
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "postseal/base/time.h"

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <unordered_map>

namespace postseal::store {

class LostPromises {
  public:
    static constexpr std::size_t max_names = 100'000;

    void add(std::string_view name, MonoTime now, MonoTime end) {
        if (ends_.size() >= max_names)
            std::erase_if(ends_, [now](const auto& one) { return one.second <= now; });
        if (ends_.size() >= max_names)
            any_until_ = std::max(any_until_, end);
        else
            ends_.insert_or_assign(std::string(name), end);
    }
    // It was saved again, or forgotten.
    void drop(std::string_view name) {
        if (!ends_.empty()) ends_.erase(std::string(name));
    }
    [[nodiscard]] bool has(std::string_view name, MonoTime now) const {
        if (ends_.empty()) return false;
        const auto found = ends_.find(std::string(name));
        return found != ends_.end() && now < found->second;
    }
    // Names that are not kept one by one.
    [[nodiscard]] bool may_have_any(MonoTime now) const { return now < any_until_; }

  private:
    std::unordered_map<std::string, MonoTime> ends_;
    MonoTime any_until_;
};

} // namespace postseal::store
