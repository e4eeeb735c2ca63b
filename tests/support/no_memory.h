// support/no_memory.h: for a C library's allocation hooks: no memory at the n-th time it is asked
// for
//
// A hook asks refuses() and passes everything else on.
// Thread: each has its own; only what the thread that made a NoMemory asks for is refused.
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>

namespace postseal::test {

class NoMemory {
  public:
    enum class Then { there_is, never_again };

    // `nth`: from 1. While it lives.
    NoMemory(std::size_t nth, Then then) { mine() = {.left = nth, .then = then}; }
    NoMemory(const NoMemory&) = delete;
    NoMemory& operator=(const NoMemory&) = delete;
    ~NoMemory() { mine() = {}; }

    [[nodiscard]] bool happened() const { return mine().refused; }

    [[nodiscard]] static bool refuses() {
        State& state = mine();
        if (state.left == 0) return state.refused && state.then == Then::never_again;
        if (--state.left > 0) return false;
        state.refused = true;
        return true;
    }

    // Calls body(n) for n = 1, 2, ..., later ones more and more seldom, until it returns false: the
    // n-th time did not come.
    template <class Body> static void at_each(Body body) {
        for (std::size_t n = 1; body(n); n += 1 + n / 16) {
        }
    }

  private:
    struct State {
        std::size_t left = 0; // 0: it has come, or nothing is to be refused
        Then then = Then::there_is;
        bool refused = false;
    };
    static State& mine() {
        thread_local State state;
        return state;
    }
};

} // namespace postseal::test
