// SPDX-License-Identifier: BSD-3-Clause
#include "dns/measured.h"

#include <algorithm>
#include <utility>

namespace postseal::dns {

async::Task<Answer> Measured::resolve_for(Asker asker, std::string name, RrType type) {
    const MonoTime begun = loop_.now();
    Answer answer = co_await asked_.resolve_for(asker, std::move(name), type);
    auto* of = std::ranges::find(types_, type, &OfType::type);
    if (of == types_.end()) co_return answer;
    of->took.observe(loop_.now() - begun);
    if (answer.failure != Failure::none) of->failed.at(static_cast<std::size_t>(answer.failure))++;
    co_return answer;
}

} // namespace postseal::dns
