// async/ring.h: an intrusive queue whose entries take themselves out
//
// Whoever waits is the Link, or has it as a member: joining and leaving a queue never allocates,
// and a destroyed waiter is in no queue. A Ring that ends lets go of its entries.
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

namespace postseal::async {

class Link {
  public:
    Link() = default;
    Link(const Link&) = delete;
    Link& operator=(const Link&) = delete;
    ~Link() { unlink(); }

    [[nodiscard]] bool linked() const { return next_ != nullptr; }
    void unlink() {
        if (next_ == nullptr) return;
        prev_->next_ = next_;
        next_->prev_ = prev_;
        next_ = prev_ = nullptr;
    }

  private:
    friend class Ring;
    Link* next_ = nullptr;
    Link* prev_ = nullptr;
};

class Ring {
  public:
    Ring() { head_.next_ = head_.prev_ = &head_; }
    Ring(const Ring&) = delete;
    Ring& operator=(const Ring&) = delete;
    ~Ring() {
        while (!empty())
            first().unlink();
    }

    [[nodiscard]] bool empty() const { return head_.next_ == &head_; }
    [[nodiscard]] Link& first() const { return *head_.next_; } // not when empty
    void push_back(Link& entry) {
        entry.unlink();
        entry.prev_ = head_.prev_;
        entry.next_ = &head_;
        entry.prev_->next_ = entry.next_->prev_ = &entry;
    }
    // Moves all entries of `other` behind this ring's own, in order.
    void take_all(Ring& other) {
        if (other.empty()) return;
        Link& begin = *other.head_.next_;
        Link& end = *other.head_.prev_;
        other.head_.next_ = other.head_.prev_ = &other.head_;
        begin.prev_ = head_.prev_;
        end.next_ = &head_;
        begin.prev_->next_ = &begin;
        head_.prev_ = &end;
    }

  private:
    Link head_;
};

} // namespace postseal::async
