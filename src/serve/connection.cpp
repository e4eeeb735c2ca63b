// SPDX-License-Identifier: BSD-3-Clause
#include "serve/connection.h"

#include "serve/clients.h"

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

namespace postseal::serve {
namespace {

constexpr std::size_t max_idle_buffer = 4096; // bytes

} // namespace

Connection::Connection(async::UvLoop& loop, Clients& clients, Protocol& protocol, Fd fd)
    : loop_(loop), clients_(clients), protocol_(protocol), fd_(std::move(fd)),
      watch_(loop, fd_.get(), &Connection::on_event, this), active_at_(loop.now()), tasks_(loop) {
    watch_.set(async::FdWatch::readable);
}

void Connection::on_event(void* self, unsigned events) {
    auto& connection = *static_cast<Connection*>(self);
    if (connection.closed_) return;
    connection.active_at_ = connection.loop_.turn_time();
    if ((events & async::FdWatch::writable) != 0 && !connection.out_.empty()) {
        connection.settle();
        return;
    }
    if ((events & async::FdWatch::readable) != 0) connection.on_readable();
}

bool Connection::may_take() const {
    return !closed_ && out_.empty() && owed_ < max_unsent_ &&
           clients_.write_buffer().size() < max_unsent_;
}

void Connection::on_readable() {
    std::string& buffer = clients_.read_buffer();
    const ssize_t got = ::recv(fd_.get(), buffer.data(), buffer.size(), 0);
    if (got < 0) {
        if (errno != EAGAIN && errno != EINTR) close("reset");
        return;
    }
    if (lingers_since_) {
        if (got == 0) close("done");
        return;
    }
    if (got == 0) {
        at_end_ = true;
        lingers_ = false;
        settle();
        return;
    }
    const std::string_view fresh(buffer.data(), static_cast<std::size_t>(got));
    if (in_.empty()) {
        take_requests(fresh);
    } else {
        in_ += fresh;
        const std::string whole = std::exchange(in_, {});
        take_requests(whole);
    }
    settle();
}

void Connection::take_requests(std::string_view bytes) {
    taking_ = true;
    max_unsent_ = clients_.reply_memory().is_scarce() ? 1 : max_owed;
    const std::size_t before = bytes.size();
    while (!bytes.empty() && may_take()) {
        const Protocol::Step step = protocol_.step(bytes, *this);
        if (step.outcome == Protocol::Outcome::incomplete) break;
        if (step.outcome == Protocol::Outcome::malformed) {
            clients_.malformed(fd_.get(), step.fault);
            at_end_ = true;
            bytes = {};
            break;
        }
        asked_ = true;
        bytes.remove_prefix(step.consumed);
        if (step.last) {
            at_end_ = lingers_ = true;
            bytes = {};
        }
    }
    if (finishing_ && asked_) at_end_ = true;
    taking_ = false;
    if (bytes.empty())
        begun_at_.reset();
    else if (!begun_at_ || bytes.size() < before)
        begun_at_ = loop_.now();
    in_ = bytes;
}

void Connection::reply(std::string_view whole) {
    if (pending_.empty())
        clients_.write_buffer() += whole;
    else
        owed_ +=
            pending_.emplace_back(true, whole.size() + sizeof(Pending), std::string(whole)).bytes;
}

Connection::ReplySlot Connection::reply_later() {
    owed_ += pending_.emplace_back(false, protocol_.promised()).bytes;
    return first_place_ + pending_.size() - 1;
}

void Connection::fulfil(ReplySlot place, std::string_view whole) {
    Pending& pending = pending_.at(place - first_place_);
    pending.known = true;
    pending.reply = whole;
    owed_ -= pending.bytes;
    pending.bytes = whole.size() + sizeof pending;
    owed_ += pending.bytes;
    // A reply found at once is settled with the request that asked for it.
    if (taking_) return;
    if (pending_.front().known)
        settle();
    else
        count_memory();
}

bool Connection::has_room(ReplySlot place, std::size_t bytes) const {
    if (is_next(place)) return true;
    const std::size_t promised = pending_.at(place - first_place_).bytes;
    return bytes <= promised ||
           (owed_ - promised + bytes < max_owed && !clients_.reply_memory().is_scarce());
}

void Connection::Turn::await_suspend(std::coroutine_handle<> h) {
    waiter_ = h;
    connection_.pending_.at(place_ - connection_.first_place_).turn = this;
}

Connection::Turn::~Turn() {
    if (waiter_) connection_.pending_.at(place_ - connection_.first_place_).turn = nullptr;
}

Connection::~Connection() { clients_.reply_memory().subtract(counted_); }

void Connection::count_memory() {
    const std::size_t now = owed_ + in_.size() + out_.size();
    if (now == counted_) return;
    clients_.reply_memory().add(now);
    clients_.reply_memory().subtract(std::exchange(counted_, now));
}

void Connection::settle() {
    if (closed_) return;
    for (;;) {
        std::string& out = clients_.write_buffer();
        while (!pending_.empty() && pending_.front().known) {
            out += pending_.front().reply;
            owed_ -= pending_.front().bytes;
            pending_.pop_front();
            first_place_++;
        }
        if (!write_out()) return;
        // Requests that waited for room: as if they had just arrived.
        if (in_.empty() || !may_take()) break;
        const std::size_t before = in_.size();
        const std::string whole = std::exchange(in_, {});
        take_requests(whole);
        if (in_.size() == before) break;
    }
    count_memory();
    if (!out_.empty() && clients_.reply_memory().is_exhausted()) {
        clients_.does_not_read(fd_.get());
        return close("unread");
    }
    if (Turn* turn = pending_.empty() ? nullptr : pending_.front().turn; turn && out_.empty())
        turn->ready_.post(loop_, async::Callback::resume(turn->waiter_));
    if (at_end_ && out_.empty() && pending_.empty()) {
        if (lingers_)
            linger();
        else
            close("done");
        return;
    }
    unsigned events = async::FdWatch::none;
    if (!out_.empty()) events |= async::FdWatch::writable;
    if (may_take() && !at_end_) events |= async::FdWatch::readable;
    if (events != events_) watch_.set(events_ = events);
}

// Closed at once with octets of the client unread, the reply might be lost on its way (RFC 9112
// section 9.6).
void Connection::linger() {
    if (lingers_since_) return;
    lingers_since_ = loop_.now();
    ::shutdown(fd_.get(), SHUT_WR);
    watch_.set(events_ = async::FdWatch::readable);
}

void Connection::dismiss(std::string_view last_word) {
    if (closed_ || at_end_) return;
    in_.clear();
    begun_at_.reset();
    at_end_ = lingers_ = true;
    reply(last_word);
    settle();
}

bool Connection::write_out() {
    std::string& fresh = clients_.write_buffer();
    if (!out_.empty()) {
        out_ += fresh;
        fresh.clear();
    }
    std::string& out = out_.empty() ? fresh : out_;
    if (out.empty()) return true;
    const ssize_t sent = ::send(fd_.get(), out.data(), out.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno != EAGAIN && errno != EINTR) {
        fresh.clear();
        close("reset");
        return false;
    }
    const auto taken = static_cast<std::size_t>(std::max<ssize_t>(sent, 0));
    if (taken > 0) active_at_ = loop_.turn_time();
    if (&out == &out_)
        out_.erase(0, taken);
    else
        out_.assign(fresh, taken);
    if (out_.empty() && out_.capacity() > max_idle_buffer) out_ = std::string();
    fresh.clear();
    return true;
}

bool Connection::fulfil_with(ReplySlot place, std::string_view whole, std::span<const int> fds) {
    if (pending_.size() != 1 || place != first_place_ || !out_.empty()) return false;
    iovec text{.iov_base = const_cast<char*>(whole.data()), .iov_len = whole.size()};
    std::vector<char> control(CMSG_SPACE(fds.size_bytes()));
    msghdr message{};
    message.msg_iov = &text;
    message.msg_iovlen = 1;
    message.msg_control = control.data();
    message.msg_controllen = control.size();
    cmsghdr* header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(fds.size_bytes());
    std::memcpy(CMSG_DATA(header), fds.data(), fds.size_bytes());
    const ssize_t sent = ::sendmsg(fd_.get(), &message, MSG_NOSIGNAL);
    if (sent < 0) return false;
    fulfil(place, whole.substr(static_cast<std::size_t>(sent)));
    return true;
}

void Connection::finish(Finish how) {
    if (closed_) return;
    if (lingers_since_) return close("done");
    lingers_ = false;
    finishing_ = true;
    if (!at_end_ && may_take()) on_readable();
    if (closed_ || (how == Finish::gently && !asked_ && !at_end_)) return;
    at_end_ = true;
    in_.clear();
    settle();
}

void Connection::close(const char* why) {
    if (std::exchange(closed_, true)) return;
    watch_.set(async::FdWatch::none);
    clients_.closed(*this, why);
}

} // namespace postseal::serve
