// SPDX-License-Identifier: BSD-3-Clause
#include "cache/readers.h"

#include <doctest/doctest.h>

#include <memory>
#include <optional>

using namespace postseal::cache;

namespace {

struct Freed {
    int count = 0;
    void retire_into(Readers& readers) {
        readers.retire(this, [](void* self) { static_cast<Freed*>(self)->count++; });
    }
};

} // namespace

TEST_CASE("readers: what nobody can be reading is freed at once") {
    Readers readers;
    Reader idle;
    readers.add(idle);
    Freed freed;
    freed.retire_into(readers);
    CHECK(freed.count == 1);
    CHECK(readers.waiting() == 0);
}

TEST_CASE("readers: what somebody may be reading waits for the end of that reading") {
    Readers readers;
    Reader first;
    Reader second;
    readers.add(first);
    readers.add(second);
    Freed freed;
    std::optional<Reading> before(first);
    {
        const Reading other(second);
        freed.retire_into(readers);
        CHECK(freed.count == 0);
    }
    readers.collect();
    CHECK(freed.count == 0);
    before.reset();
    const Reading after(first); // begun later: does not count
    readers.collect();
    CHECK(freed.count == 1);
}

TEST_CASE("readers: what is retired meanwhile waits for its own readings") {
    Readers readers;
    Reader reader;
    readers.add(reader);
    Freed old;
    Freed fresh;
    std::optional<Reading> reading(reader);
    old.retire_into(readers);
    reading.reset();
    reading.emplace(reader);
    fresh.retire_into(readers); // the reading that it may be seen in is another
    CHECK(old.count == 1);
    CHECK(fresh.count == 0);
    reading.reset();
    readers.collect();
    CHECK(fresh.count == 1);
}

TEST_CASE("readers: one that is removed is not waited for") {
    Readers readers;
    Freed freed;
    {
        Reader reader;
        readers.add(reader);
        {
            const Reading reading(reader);
            freed.retire_into(readers);
        }
        readers.remove(reader);
    }
    readers.collect();
    CHECK(freed.count == 1);
}

TEST_CASE("readers: the last are freed with the readers") {
    Freed freed;
    Reader reader;
    {
        Readers readers;
        readers.add(reader);
        const Reading reading(reader);
        freed.retire_into(readers);
        freed.retire_into(readers);
    }
    CHECK(freed.count == 2);
}
