// serve/connection.h: one client: requests in, exactly one reply for each out, in order
//
// What has arrived is offered to the Protocol request by request. A reply that is known goes out
// with all others that are ready, in one write; one that is not known yet keeps its place. What a
// client is owed counts in bytes, a reply that is only promised by what its protocol says; a client
// that does not read, or is owed `max_owed`, is not read from. A reply that is too long to wait
// behind others is asked for again when it is its turn (has_room(), Turn).
// Memory: an idle connection holds no buffers; reading and writing share the Station's. All clients
// together have Shared's ReplyMemory: when it is scarce each is served one reply at a time, and
// when it is used up, who does not read is closed.
// Thread: the station's.
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "async/group.h"
#include "async/uv_loop.h"
#include "postseal/wire/status.h"
#include "serve/socket.h"

#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <list>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace postseal::serve {

class Connection;

// How a request is found and answered; one for all connections of a listener on a thread.
class Protocol {
  public:
    enum class Outcome { taken, incomplete, malformed };
    struct Step {
        Outcome outcome = Outcome::incomplete;
        std::size_t consumed = 0; // taken
        const char* fault = "";   // malformed; a static text
        bool last = false;        // taken: no more is read, and the connection ends after it
    };
    // Of a scan that found no frame.
    template <class Scan> [[nodiscard]] static Step step_without_frame(const Scan& scan) {
        if (scan.status == wire::Status::malformed)
            return {.outcome = Outcome::malformed, .fault = scan.fault};
        return {};
    }
    virtual ~Protocol() = default;
    // The listener's settings have changed; the engine's have been changed before.
    virtual void reconfigure(const config::Listen&) {}
    // A request that has begun must be whole within so long, or too_slow() is said and the
    // connection ends. 0: a client may take its time.
    [[nodiscard]] virtual milliseconds patience() const { return milliseconds(0); }
    [[nodiscard]] virtual std::string too_slow() const { return {}; }
    // Takes at most one request from the front of `bytes` and calls exactly one of
    // connection.reply() and connection.reply_later() for it.
    virtual Step step(std::string_view bytes, Connection& connection) = 0;
    // What a reply counts until it is known: bytes. As much as Connection::max_owed: one at a time.
    [[nodiscard]] virtual std::size_t promised() const { return 2048; }
};

class Clients;

class Connection {
  public:
    static constexpr std::size_t max_owed = 262'144; // bytes of replies, and one reply more

    Connection(async::UvLoop& loop, Clients& clients, Protocol& protocol, Fd fd);
    Connection(const Connection&) = delete;
    Connection& operator=(const Connection&) = delete;
    ~Connection();

    void reply(std::string_view whole);
    // Starts `body`, which calls fulfil(place, reply) once. It is cancelled with the connection.
    using ReplySlot = std::uint64_t;
    [[nodiscard]] ReplySlot reply_later();
    void start(async::Task<> body) { tasks_.start(std::move(body)); }
    void fulfil(ReplySlot place, std::string_view whole);

    // Whether a reply of so many bytes may wait there: always, when it is the next to go out.
    [[nodiscard]] bool has_room(ReplySlot place, std::size_t bytes) const;
    // co_await Turn(connection, place): that reply is the next to go out, and the client reads.
    class Turn {
      public:
        Turn(Connection& connection, ReplySlot place) : connection_(connection), place_(place) {}
        Turn(const Turn&) = delete;
        Turn& operator=(const Turn&) = delete;
        ~Turn();
        bool await_ready() const noexcept { return connection_.is_next(place_); }
        void await_suspend(std::coroutine_handle<> h);
        void await_resume() const noexcept {}

      private:
        friend class Connection;
        Connection& connection_;
        ReplySlot place_;
        std::coroutine_handle<> waiter_;
        async::Ready ready_;
    };

    // As fulfil(), at once and with copies of the descriptors (SCM_RIGHTS); only for the one
    // request that is open, on a unix socket. False: the client does not take it.
    [[nodiscard]] bool fulfil_with(ReplySlot place, std::string_view whole,
                                   std::span<const int> fds);

    [[nodiscard]] int fd() const { return fd_.get(); }
    // Who connected; nothing unless it is a unix socket.
    [[nodiscard]] std::optional<Peer> peer() const { return peer_of(fd_.get()); }
    [[nodiscard]] MonoTime active_at() const { return active_at_; }
    [[nodiscard]] bool waits_for_us() const { return !pending_.empty(); }
    [[nodiscard]] bool is_closed() const { return closed_; }
    // Takes what has arrived and no more; closes when what it owes has been written. A client that
    // has not asked yet may ask once, unless it is `late`.
    enum class Finish { gently, late };
    void finish(Finish how = Finish::gently);
    // Closes now, whatever is owed.
    void drop() { close("idle"); }
    // Says this last word if nothing is owed, and ends.
    void dismiss(std::string_view last_word);
    // Since when a request has been on its way, or the client has been waited for to close.
    [[nodiscard]] std::optional<MonoTime> begun_at() const { return begun_at_; }
    [[nodiscard]] std::optional<MonoTime> lingers_since() const { return lingers_since_; }

    std::list<Connection>::iterator self; // where Clients keeps it

  private:
    struct Pending {
        bool known = false;
        std::size_t bytes = 0; // that it counts
        std::string reply;
        Turn* turn = nullptr; // who waits for it
    };

    static void on_event(void* self, unsigned events);
    void on_readable();
    void take_requests(std::string_view bytes);
    [[nodiscard]] bool may_take() const;
    [[nodiscard]] bool is_next(ReplySlot place) const {
        return place == first_place_ && out_.empty();
    }
    void count_memory();
    void settle(); // moves known replies out, writes, and sets what to wait for
    bool write_out();
    void linger();
    void close(const char* why);

    async::UvLoop& loop_;
    Clients& clients_;
    Protocol& protocol_;
    Fd fd_;
    async::FdWatch watch_; // before fd_ closes
    std::string in_;       // the beginning of a request
    std::string out_;      // what the client did not take yet
    std::deque<Pending> pending_;
    ReplySlot first_place_ = 0; // of pending_.front()
    std::size_t owed_ = 0;      // bytes of pending_
    std::size_t counted_ = 0;   // in ReplyMemory
    std::size_t max_unsent_ = max_owed;
    MonoTime active_at_;
    std::optional<MonoTime> begun_at_;
    std::optional<MonoTime> lingers_since_;
    unsigned events_ = async::FdWatch::readable; // watched for
    bool at_end_ = false;                        // the client sends no more, or we take no more
    bool finishing_ = false;                     // at_end_ from its first request on
    bool asked_ = false;                         // took a request
    bool lingers_ = false;                       // the client closes first
    bool closed_ = false;
    bool taking_ = false;
    async::Group tasks_; // last: its bodies use the rest
};

} // namespace postseal::serve
