// SPDX-License-Identifier: BSD-3-Clause
#include "serve/stations.h"

#include "async/thread_name.h"

#include <utility>

namespace postseal::serve {
namespace {

struct Ping {
    static async::Task<bool> answer(async::UvLoop&, Station&) { co_return true; }
};

} // namespace

Stations::Other::Other(std::size_t number, engine::Engine& engine,
                       async::Remote<engine::Engine>& remote)
    : engine_handle(engine, remote, loop, home), station(number, loop, &inbox), thread_([this] {
          async::name_this_thread("serving");
          loop.run();
      }) {}

Stations::Other::~Other() {
    inbox.send([this] { loop.stop(); });
    thread_.join();
}

Stations::Stations(async::UvLoop& main, engine::Engine& engine, std::size_t threads)
    : home_(main), engine_handle_(engine), station_(0, main, nullptr), engine_(main, engine) {
    for (std::size_t number = 1; number < threads; number++)
        others_.push_back(std::make_unique<Other>(number, engine, engine_));
}

std::vector<Station*> Stations::all() {
    std::vector<Station*> all{&station_};
    for (const auto& other : others_)
        all.push_back(&other->station);
    return all;
}

engine::Handle& Stations::engine_handle(const Station& station) {
    if (station.number() == 0) return engine_handle_;
    return others_[station.number() - 1]->engine_handle;
}

Totals Stations::counted() const {
    Totals sum;
    add(sum, station_.counters());
    for (const auto& other : others_)
        add(sum, other->station.counters());
    return sum;
}

async::Task<bool> Stations::round_trip() {
    for (const auto& other : others_) {
        async::Remote<Station>::Call<bool> ping(other->watched, home_, &Ping::answer);
        co_await ping;
    }
    co_return true;
}

} // namespace postseal::serve
