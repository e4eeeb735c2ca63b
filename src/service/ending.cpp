// SPDX-License-Identifier: BSD-3-Clause
#include "service/ending.h"

#include <utility>

namespace postseal::service {
namespace {

using namespace std::chrono_literals;

constexpr milliseconds patience = 700ms;       // for answers still owed
constexpr milliseconds patience_first = 200ms; // for a first request

} // namespace

void Ending::begin(serve::Listeners::Files files) {
    if (std::exchange(begun_, true)) return;
    listeners_.stop(files);
    hurry_.start(loop_, patience_first,
                 {[](void* self) { static_cast<Ending*>(self)->listeners_.hurry(); }, this});
    limit_.start(loop_, patience,
                 {[](void* loop) { static_cast<async::UvLoop*>(loop)->stop(); }, &loop_});
    look();
}

void Ending::look() {
    if (listeners_.connections() == 0) return loop_.stop();
    again_.start(loop_, 10ms, {[](void* self) { static_cast<Ending*>(self)->look(); }, this});
}

} // namespace postseal::service
