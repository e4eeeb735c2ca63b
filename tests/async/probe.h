// async/probe.h: small things that the tests of async/ share
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "async/task.h"

#include <sys/wait.h>
#include <unistd.h>

#include <coroutine>
#include <exception>

namespace postseal::test {

// Counts the frames and closures that are alive.
class Live {
  public:
    explicit Live(int& count) : count_(&count) { ++*count_; }
    Live(const Live& other) : count_(other.count_) { ++*count_; }
    Live& operator=(const Live&) = delete;
    ~Live() { --*count_; }

  private:
    int* count_;
};

struct Never {
    bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<>) const noexcept {}
    void await_resume() const noexcept {}
};
inline Never never() { return {}; }

// Whether f() ends the process by std::terminate; runs it in a process of its own.
template <class F> bool ends_process(F f) {
    const pid_t child = fork();
    if (child == 0) {
        std::set_terminate([] { _exit(42); });
        f();
        _exit(0);
    }
    int status = 0;
    return child > 0 && waitpid(child, &status, 0) == child && WIFEXITED(status) &&
           WEXITSTATUS(status) == 42;
}

} // namespace postseal::test
