// serve/stations.h: the serving threads: the main one, and as many more as are configured
//
// Each has a loop, counters and a view of the engine of its own; the engine, the listeners, admin
// and all that steers stay on the main thread. There from start to end: a change of their number
// needs a restart.
// Thread: main. The destructor ends the others, after what they were told before.
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "async/remote.h"
#include "engine/engine.h"
#include "engine/handles.h"
#include "serve/station.h"

#include <cstddef>
#include <memory>
#include <string>
#include <thread>
#include <vector>

namespace postseal::serve {

class Stations {
  public:
    // Throws std::system_error when no thread is to be had.
    Stations(async::UvLoop& main, engine::Engine& engine, std::size_t threads);
    Stations(const Stations&) = delete;
    Stations& operator=(const Stations&) = delete;
    ~Stations() = default;

    // The main thread's first.
    [[nodiscard]] std::vector<Station*> all();
    [[nodiscard]] engine::Handle& engine_handle(const Station& station);
    [[nodiscard]] Totals counted() const;
    // There and back, to each of the other threads.
    [[nodiscard]] async::Task<bool> round_trip();

  private:
    // A thread beside the main one.
    class Other {
      public:
        Other(std::size_t number, engine::Engine& engine, async::Remote<engine::Engine>& remote);
        Other(const Other&) = delete;
        Other& operator=(const Other&) = delete;
        ~Other();

        async::UvLoop loop;
        async::Home home{loop};
        async::Inbox inbox{loop};
        engine::RemoteHandle engine_handle;
        Station station;
        async::Remote<Station> watched{loop, station};

      private:
        std::thread thread_;
    };

    async::Home home_;
    engine::LocalHandle engine_handle_;
    Station station_;
    async::Remote<engine::Engine> engine_;
    std::vector<std::unique_ptr<Other>> others_;
};

} // namespace postseal::serve
