// SPDX-License-Identifier: BSD-3-Clause
#include "async/limiter.h"

#include <cassert>

namespace postseal::async {

Limiter::Limiter(Loop& loop, std::size_t permits, std::size_t each)
    : loop_(loop), permits_(permits), each_(each) {
    assert(permits > 0 && each > 0);
}

Limiter::~Limiter() { assert(in_use_ == 0 && waiting_ == 0); }

// The plain queue stays: no memory is asked for each permit.
void Limiter::drop_if_idle(Client& client) {
    if (client.id != nullptr && client.in_use == 0 && client.waiting == 0)
        clients_.erase(client.id);
}

bool Limiter::may_have(const Client& client) const {
    return in_use_ < permits_ && client.in_use < each_;
}

bool Limiter::has_room(ClientId id, std::size_t most) const {
    if (waiting_ < most) return true;
    const auto client = clients_.find(id);
    return client == clients_.end() || client->second.waiting < most / clients_.size();
}

void Limiter::leave(Acquire& waiter) {
    Client& client = *waiter.client_;
    waiter.unlink();
    waiting_--;
    if (--client.waiting == 0) client.unlink();
}

// Behind all the others whose turn comes.
void Limiter::take_turn(Client& client) {
    if (client.waiting > 0 && client.in_use < each_ && !client.linked()) turns_.push_back(client);
}

void Limiter::set_permits(std::size_t permits, std::size_t each) {
    assert(permits > 0 && each > 0);
    permits_ = permits;
    each_ = each;
    for (auto& [id, client] : clients_)
        take_turn(client);
    hand_over();
}

void Limiter::give_back(Client& client) {
    in_use_--;
    client.in_use--;
    take_turn(client);
    hand_over();
    drop_if_idle(client);
}

void Limiter::hand_over() {
    while (in_use_ < permits_ && !turns_.empty()) {
        auto& client = static_cast<Client&>(turns_.first());
        client.unlink();
        if (client.in_use >= each_) continue; // `each` has been lowered
        auto& next = static_cast<Acquire&>(client.queue.first());
        leave(next);
        in_use_++;
        client.in_use++;
        take_turn(client);
        next.granted_ = true;
        next.ready_.post(loop_, Callback::resume(next.waiter_));
    }
}

void Limiter::Permit::release() {
    if (limiter_ != nullptr) std::exchange(limiter_, nullptr)->give_back(*client_);
}

Limiter::Acquire::~Acquire() {
    if (granted_) limiter_.give_back(*client_);
    if (!linked()) return;
    limiter_.leave(*this);
    limiter_.drop_if_idle(*client_);
}

// While somebody waits no permit is free for its client, so nobody is overtaken.
bool Limiter::Acquire::await_ready() {
    client_ = &limiter_.clients_[id_];
    client_->id = id_;
    if (!limiter_.may_have(*client_)) return false;
    limiter_.in_use_++;
    client_->in_use++;
    granted_ = true;
    return true;
}

void Limiter::Acquire::await_suspend(std::coroutine_handle<> h) {
    waiter_ = h;
    client_->queue.push_back(*this);
    client_->waiting++;
    limiter_.waiting_++;
    limiter_.take_turn(*client_);
}

Limiter::Permit Limiter::Acquire::await_resume() noexcept {
    granted_ = false;
    return {limiter_, *client_};
}

} // namespace postseal::async
