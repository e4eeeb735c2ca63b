// SPDX-License-Identifier: BSD-3-Clause
#include "service/watchdog.h"

#include <algorithm>
#include <utility>

namespace postseal::service {

Watchdog::Watchdog(async::Loop& loop, Log& log, milliseconds every, std::vector<Part> parts,
                   std::function<void()> feed)
    : loop_(loop), log_(log), every_(every), feed_(std::move(feed)), group_(loop) {
    for (Part& part : parts)
        watched_.push_back({.part = std::move(part)});
    group_.start(watch());
}

async::Task<> Watchdog::watch() {
    for (;;) {
        const MonoTime begun = loop_.now();
        late_.start(loop_, every_,
                    {[](void* self) { static_cast<Watchdog*>(self)->complain(); }, this});
        async::Group round(loop_);
        for (Watched& watched : watched_) {
            watched.back = false;
            round.start(ask(watched));
        }
        co_await round.join();
        late_.stop();
        if (all_back())
            feed_();
        else
            complain();
        const milliseconds rest = every_ - (loop_.now() - begun);
        co_await async::Sleep(loop_, std::max(rest, milliseconds(0)));
    }
}

async::Task<> Watchdog::ask(Watched& watched) {
    watched.back = co_await watched.part.round_trip();
    if (watched.back) watched.complained = false;
}

bool Watchdog::all_back() const { return std::ranges::all_of(watched_, &Watched::back); }

bool Watchdog::stuck(std::string_view part) const {
    return std::ranges::any_of(watched_, [&](const Watched& watched) {
        return watched.part.name == part && watched.complained;
    });
}

void Watchdog::complain() {
    for (Watched& watched : watched_)
        if (!watched.back && !std::exchange(watched.complained, true))
            log_.error("stuck", {{"part", watched.part.name}});
}

} // namespace postseal::service
