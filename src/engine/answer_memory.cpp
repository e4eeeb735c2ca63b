// SPDX-License-Identifier: BSD-3-Clause
#include "engine/answer_memory.h"

#include <utility>

namespace postseal::engine {

AnswerMemory::AnswerMemory(std::shared_ptr<const Maps> maps, AddressKeys addresses,
                           std::size_t max_octets)
    : cache_(readers_, max_octets),
      edition_(new Edition{
          .number = cache_.edition(), .maps = std::move(maps), .addresses = std::move(addresses)}) {
}

AnswerMemory::~AnswerMemory() { delete edition(); }

void AnswerMemory::publish(std::shared_ptr<const Maps> maps) {
    publish(std::move(maps), edition()->addresses);
}

void AnswerMemory::publish(std::shared_ptr<const Maps> maps, AddressKeys addresses) {
    cache_.outdate();
    replace(new Edition{
        .number = cache_.edition(), .maps = std::move(maps), .addresses = std::move(addresses)});
}

void AnswerMemory::set_addresses(AddressKeys addresses) {
    replace(
        new Edition{.number = cache_.edition(), .maps = maps(), .addresses = std::move(addresses)});
}

void AnswerMemory::replace(Edition* edition) {
    const Edition* old = this->edition();
    edition_.store(edition, std::memory_order_seq_cst);
    readers_.retire(const_cast<Edition*>(old),
                    [](void* gone) { delete static_cast<Edition*>(gone); });
}

} // namespace postseal::engine
