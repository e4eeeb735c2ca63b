// serve/station.h: one serving thread: its loop, and what its connections share
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "async/uv_loop.h"
#include "serve/counters.h"

#include <atomic>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <utility>

namespace postseal::serve {

class Station {
  public:
    // `number`: 0 is the main thread's, with the loop that the station is made on, and no inbox.
    Station(std::size_t number, async::UvLoop& loop, async::Inbox* inbox)
        : number_(number), loop_(loop), inbox_(inbox), read_buffer_(65536, '\0') {}
    Station(const Station&) = delete;
    Station& operator=(const Station&) = delete;
    ~Station() = default;

    [[nodiscard]] std::size_t number() const { return number_; }
    [[nodiscard]] Counters& counters() { return counters_; }
    [[nodiscard]] const Counters& counters() const { return counters_; }
    // Clients that it has, those on the way to it included. Thread: any.
    [[nodiscard]] std::atomic<std::size_t>& connections() { return connections_; }

    // Called on the station's thread, in order: at once if that is the main thread. Thread: main.
    void run(std::move_only_function<void()> message) {
        if (inbox_ == nullptr)
            message();
        else
            inbox_->send(std::move(message));
    }

    // Thread: the station's.
    [[nodiscard]] async::UvLoop& loop() { return loop_; }
    [[nodiscard]] std::string& read_buffer() { return read_buffer_; }
    [[nodiscard]] std::string& write_buffer() { return write_buffer_; }

  private:
    std::size_t number_;
    async::UvLoop& loop_;
    async::Inbox* inbox_;
    Counters counters_;
    std::atomic<std::size_t> connections_{0};
    std::string read_buffer_;
    std::string write_buffer_;
};

// What is made, used and destroyed on a station's thread, steered from the main thread.
template <class T> class Resident {
  public:
    Resident(Station& station, std::move_only_function<std::unique_ptr<T>()> make)
        : station_(station), place_(std::make_unique<std::unique_ptr<T>>()) {
        station_.run([place = place_.get(), make = std::move(make)]() mutable { *place = make(); });
    }
    Resident(Resident&&) = default;
    Resident(const Resident&) = delete;
    Resident& operator=(const Resident&) = delete;
    Resident& operator=(Resident&&) = delete;
    ~Resident() {
        if (place_ == nullptr) return;
        station_.run([place = std::move(place_)]() mutable { place.reset(); });
    }

    void call(std::move_only_function<void(T&)> act) {
        station_.run([place = place_.get(), act = std::move(act)]() mutable { act(**place); });
    }
    [[nodiscard]] Station& station() const { return station_; }

  private:
    Station& station_;
    std::unique_ptr<std::unique_ptr<T>> place_;
};

} // namespace postseal::serve
