// SPDX-License-Identifier: BSD-3-Clause
#include "https/measured.h"

#include <utility>

namespace postseal::https {

async::Task<FetchResult> Measured::fetch(Domain policy_domain, dns::Asker asker) {
    const MonoTime begun = loop_.now();
    FetchResult fetched = co_await asked_.fetch(std::move(policy_domain), asker);
    took_.observe(loop_.now() - begun);
    if (!fetched) failed_.at(static_cast<std::size_t>(fetched.error().fault))++;
    co_return fetched;
}

} // namespace postseal::https
