// service/watchdog.h: tells the service manager that we live, as long as every part answers
//
// Each `every`, all parts are sent on a round trip; when all have come back, `feed` is called. A
// part that does not come back, or comes back in failure, is logged once, and nothing is fed until
// it answers again. That the loop turns is shown by the feeding itself.
// Thread: the loop's.
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "async/group.h"
#include "async/loop.h"
#include "log/log.h"

#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace postseal::service {

class Watchdog {
  public:
    struct Part {
        std::string name;
        std::function<async::Task<bool>()> round_trip; // false: it is broken
    };
    // Begins at once.
    Watchdog(async::Loop& loop, Log& log, milliseconds every, std::vector<Part> parts,
             std::function<void()> feed);

    // Complained of, and not back since.
    [[nodiscard]] bool stuck(std::string_view part) const;

  private:
    struct Watched {
        Part part;
        bool back = false;
        bool complained = false;
    };
    async::Task<> watch();
    async::Task<> ask(Watched& watched);
    [[nodiscard]] bool all_back() const;
    void complain();

    async::Loop& loop_;
    Log& log_;
    milliseconds every_;
    std::vector<Watched> watched_;
    std::function<void()> feed_;
    async::Timer late_;
    async::Group group_; // last: its bodies use the rest
};

} // namespace postseal::service
