// A cached answer costs no memory: counts what operator new gives while requests are answered over
// real connections. A program of its own, because it replaces operator new.
// SPDX-License-Identifier: BSD-3-Clause
#include "serve/cached_way.h"

#include <doctest/doctest.h>

#include <cstdlib>
#include <new>

using namespace postseal;
using test::CachedWay;

namespace {

// One thread; the only state that must be global, because operator new is.
std::size_t allocations = 0;

} // namespace

void* operator new(std::size_t size) {
    allocations++;
    void* p = std::malloc(size);
    if (p == nullptr) throw std::bad_alloc();
    return p;
}
void operator delete(void* p) noexcept { std::free(p); }
void operator delete(void* p, std::size_t) noexcept { std::free(p); }

TEST_CASE("a cached answer is given without an allocation, by every protocol and kind of socket") {
    for (const auto protocol :
         {config::Protocol::socketmap, config::Protocol::tcp_table, config::Protocol::delegation}) {
        for (const auto kind : {CachedWay::Kind::tcp, CachedWay::Kind::unix}) {
            for (const std::size_t in_flight : {std::size_t{1}, std::size_t{16}}) {
                CAPTURE(to_string(protocol));
                CAPTURE(in_flight);
                CachedWay way(protocol);
                const async::Fd client = way.connect(kind);
                const auto turn = [](async::UvLoop& loop) { loop.run_once(); };
                way.ask(client, in_flight, turn); // the buffers have their size from then on
                const std::size_t before = allocations;
                for (int i = 0; i < 100; i++)
                    way.ask(client, in_flight, turn);
                CHECK(allocations == before);
                CHECK(way.answered() == 101 * in_flight);
            }
        }
    }
}

TEST_CASE("the count counts") {
    const std::size_t before = allocations;
    const auto one = std::make_unique<int>(1);
    CHECK(allocations == before + 1);
}
