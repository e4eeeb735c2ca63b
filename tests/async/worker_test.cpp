// SPDX-License-Identifier: BSD-3-Clause
#include "async/worker.h"

#include "async/block_on.h"
#include "async/probe.h"

#include <doctest/doctest.h>

#include <future>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

using namespace postseal;
using namespace postseal::async;
using namespace std::chrono_literals;
using test::Live;

namespace {

Task<std::unique_ptr<std::string>> ask(Worker& worker, std::thread::id& ran_on) {
    std::move_only_function<std::unique_ptr<std::string>()> job = [&ran_on] {
        ran_on = std::this_thread::get_id();
        return std::make_unique<std::string>("done");
    };
    co_return co_await worker.call<std::unique_ptr<std::string>>(std::move(job));
}

Task<std::vector<int>> in_order(Worker& worker, std::vector<int>& log) {
    worker.post([&log] { log.push_back(1); });
    worker.post([&log] { log.push_back(2); });
    std::move_only_function<void()> job = [&log] { log.push_back(3); };
    co_await worker.call<void>(std::move(job));
    co_return log;
}

Task<> wait_for(Worker& worker, std::shared_future<void> gate, bool& ran, bool& resumed) {
    std::move_only_function<int()> job = [gate, &ran] {
        gate.wait();
        ran = true;
        return 1;
    };
    co_await worker.call<int>(std::move(job));
    resumed = true;
}

Task<> pass_through(Worker& worker) {
    std::move_only_function<void()> job = [] {};
    co_await worker.call<void>(std::move(job));
}

} // namespace

TEST_CASE("worker: runs the job on its thread and brings the result home") {
    UvLoop loop;
    Worker worker(loop);
    std::thread::id ran_on;
    const auto result = block_on(loop, ask(worker, ran_on));
    CHECK(*result == "done");
    CHECK(ran_on != std::this_thread::get_id());
    CHECK(ran_on != std::thread::id());
}

TEST_CASE("worker: runs what was posted and called in the order of acceptance") {
    UvLoop loop;
    Worker worker(loop);
    std::vector<int> log;
    CHECK(block_on(loop, in_order(worker, log)) == std::vector<int>{1, 2, 3});
}

TEST_CASE("worker: a cancelled call drops the result, never the job") {
    UvLoop loop;
    bool ran = false;
    bool resumed = false;
    {
        Worker worker(loop);
        std::promise<void> gate;
        {
            Group group(loop);
            group.start(wait_for(worker, gate.get_future().share(), ran, resumed));
        }
        gate.set_value();
        block_on(loop, pass_through(worker)); // behind it
        CHECK(ran);
    }
    CHECK_FALSE(resumed);
}

TEST_CASE("worker: the destructor runs every accepted job, and frees what they hold") {
    UvLoop loop;
    int ran = 0;
    int live = 0;
    std::promise<void> gate;
    const auto open = gate.get_future().share();
    {
        Worker worker(loop);
        worker.post([open] { open.wait(); });
        for (int i = 0; i < 100; i++)
            worker.post([&ran, here = Live(live)] { ran++; });
        CHECK(worker.waiting() >= 100);
        gate.set_value();
    }
    CHECK(ran == 100);
    CHECK(live == 0);
}

TEST_CASE("worker: a result that is not fetched before the end is dropped") {
    UvLoop loop;
    bool ran = false;
    bool resumed = false;
    {
        std::promise<void> gate;
        gate.set_value();
        Worker worker(loop);
        Group group(loop);
        group.start(wait_for(worker, gate.get_future().share(), ran, resumed));
    }
    loop.stop();
    loop.run();
    CHECK(ran);
    CHECK_FALSE(resumed);
}

TEST_CASE("worker: what a job throws ends the process") {
    CHECK(test::ends_process([] {
        UvLoop loop;
        Worker worker(loop);
        worker.post([] { throw std::logic_error("a bug"); });
    }));
}
