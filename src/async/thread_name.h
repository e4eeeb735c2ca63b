// async/thread_name.h: what ps -L, top and /proc call a thread; at most 15 octets
//
// A new thread has the name of the one that started it, until it takes its own.
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <pthread.h>

#include <array>

namespace postseal::async {

inline void name_this_thread(const char* name) { ::pthread_setname_np(::pthread_self(), name); }

// Names the threads that a library starts meanwhile, from the calling thread.
class NamesNewThreads {
  public:
    explicit NamesNewThreads(const char* name) {
        ::pthread_getname_np(::pthread_self(), own_.data(), own_.size());
        name_this_thread(name);
    }
    NamesNewThreads(const NamesNewThreads&) = delete;
    NamesNewThreads& operator=(const NamesNewThreads&) = delete;
    ~NamesNewThreads() { name_this_thread(own_.data()); }

  private:
    std::array<char, 16> own_{};
};

} // namespace postseal::async
