// SPDX-License-Identifier: BSD-3-Clause
#include "engine/known.h"

#include <utility>

namespace postseal::engine {

Known::Known(std::shared_ptr<const Maps> maps, AddressKeys addresses, std::size_t max_octets)
    : cache_(readers_, max_octets),
      edition_(new Edition{
          .number = cache_.edition(), .maps = std::move(maps), .addresses = std::move(addresses)}) {
}

Known::~Known() { delete edition(); }

void Known::publish(std::shared_ptr<const Maps> maps) {
    publish(std::move(maps), edition()->addresses);
}

void Known::publish(std::shared_ptr<const Maps> maps, AddressKeys addresses) {
    cache_.outdate();
    replace(new Edition{
        .number = cache_.edition(), .maps = std::move(maps), .addresses = std::move(addresses)});
}

void Known::set_addresses(AddressKeys addresses) {
    replace(
        new Edition{.number = cache_.edition(), .maps = maps(), .addresses = std::move(addresses)});
}

void Known::replace(Edition* edition) {
    const Edition* old = this->edition();
    edition_.store(edition, std::memory_order_seq_cst);
    readers_.retire(const_cast<Edition*>(old),
                    [](void* gone) { delete static_cast<Edition*>(gone); });
}

} // namespace postseal::engine
