// SPDX-License-Identifier: BSD-3-Clause
#include "engine/known.h"

#include <utility>

namespace postseal::engine {

Known::Known(std::shared_ptr<const Maps> maps, std::size_t most_octets)
    : cache_(readers_, most_octets),
      edition_(new Edition{.number = cache_.edition(), .maps = std::move(maps)}) {}

Known::~Known() { delete edition(); }

void Known::publish(std::shared_ptr<const Maps> maps) {
    cache_.outdate();
    const Edition* old = edition();
    edition_.store(new Edition{.number = cache_.edition(), .maps = std::move(maps)},
                   std::memory_order_seq_cst);
    readers_.retire(const_cast<Edition*>(old),
                    [](void* edition) { delete static_cast<Edition*>(edition); });
}

} // namespace postseal::engine
