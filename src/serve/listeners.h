// serve/listeners.h: all that is listened on, and how that changes while it runs
//
// Listeners are known by their address. prepare() does all that can fail and is undone if anything
// does; apply() then cannot. A listener whose address stays keeps its sockets and, unless its
// protocol is another, its connections; a removed one takes no more requests, answers what it owes,
// and is gone.
// The file of a unix socket goes with its listener, unless a Keeper has the socket too or somebody
// else has bound it.
// Thread: main.
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "async/uv_loop.h"
#include "serve/inherited.h"
#include "serve/server.h"

#include <cstddef>
#include <expected>
#include <functional>
#include <list>
#include <memory>
#include <string>
#include <vector>

namespace postseal::serve {

// Who holds copies of the listening sockets, by local_address(), so that they outlive the process.
class Keeper {
  public:
    virtual ~Keeper() = default;
    // False: it does not.
    virtual bool keep(const std::string& address, int fd) = 0;
    virtual void forget(const std::string& address) = 0;
};

struct Bound {
    config::Listen listen;
    std::vector<Fd> fds;
    enum class Origin { bound, taken_over, passed }; // passed: by somebody who keeps it too
    Origin origin = Origin::bound;
};

// Errors: one sentence; what was bound before the fault is undone.
[[nodiscard]] std::expected<std::vector<Bound>, std::string>
bind_all(const std::vector<config::Listen>& wanted, Inherited& inherited);

// Unix sockets that were taken over and whose files are gone, because the daemon that had them was
// ended by somebody else meanwhile, are bound anew. Errors: one sentence.
[[nodiscard]] std::expected<void, std::string> bind_removed(std::vector<Bound>& all);

class Listeners {
  public:
    // `stations`: the main thread's first; they outlive the Listeners. `keeper` may be null.
    Listeners(std::vector<Station*> stations, Log& log, Shared& shared, Keeper* keeper);
    Listeners(const Listeners&) = delete;
    Listeners& operator=(const Listeners&) = delete;
    ~Listeners() = default;

    // Before the first apply().
    void speak(Server::MakeProtocol make) { make_ = std::move(make); }

    // Binds what is new and gives the files of the others their new owners and modes.
    [[nodiscard]] std::expected<std::vector<Bound>, std::string>
    prepare(const std::vector<config::Listen>& wanted);
    void apply(const std::vector<config::Listen>& wanted, std::vector<Bound> fresh);
    // No more connections; `leave`: somebody else takes over the sockets.
    enum class Files { remove, leave };
    void stop(Files files);
    void hurry(); // after stop(): see Server
    // Ends all connections, whatever is owed: before anything that they are served from ends.
    void drop();
    [[nodiscard]] std::size_t connections() const;
    // Those of the configuration. Valid until they are next changed.
    struct Open {
        const config::Listen* listen;
        std::size_t connections;
    };
    [[nodiscard]] std::vector<Open> open() const;

    [[nodiscard]] std::vector<int> descriptors() const;
    [[nodiscard]] std::vector<std::string> addresses() const;

  private:
    struct Entry {
        config::Listen listen;
        bool passed = false; // Bound::Origin
        bool kept = false;   // by the Keeper
        std::unique_ptr<Server> server;
    };
    [[nodiscard]] Entry* find(const config::Address& address);
    [[nodiscard]] std::unique_ptr<Server> serve(const config::Listen& listen, std::vector<Fd> fds);
    void begin(Bound bound);
    [[nodiscard]] bool keep(const Server& server);
    void remove(Entry& entry);
    void change(Entry& entry, const config::Listen& listen);
    void close(Entry& entry);
    void leave(std::unique_ptr<Server> server);
    void look_at_leaving();
    [[nodiscard]] Shared& shared_for(config::Protocol protocol);
    void look_for_room();
    void make_room(const Shared& shared);

    std::vector<Station*> stations_;
    async::UvLoop& loop_;
    Log& log_;
    Shared& shared_;
    // Limits of their own, so that they take no connection from Postfix nor it from them; there who
    // is idle for longest makes room for who comes.
    Shared http_;
    Shared admin_;
    Keeper* keeper_;
    Server::MakeProtocol make_;
    std::list<Entry> entries_;
    std::list<std::unique_ptr<Server>> leaving_; // until their last connection has ended
    async::Timer looking_;
};

} // namespace postseal::serve
