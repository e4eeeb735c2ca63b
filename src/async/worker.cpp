// SPDX-License-Identifier: BSD-3-Clause
#include "async/worker.h"

namespace postseal::async {

Worker::Worker(UvLoop& home) : home_(home), results_(home), thread_([this] { serve(); }) {}

Worker::~Worker() {
    {
        const std::lock_guard lock(mutex_);
        closing_ = true;
    }
    more_.notify_one();
    thread_.join();
}

void Worker::post(Job job) {
    {
        const std::lock_guard lock(mutex_);
        accepted_.push_back(std::move(job));
    }
    more_.notify_one();
}

std::size_t Worker::waiting() const {
    const std::lock_guard lock(mutex_);
    return accepted_.size();
}

void Worker::serve() noexcept {
    for (;;) {
        Job job;
        {
            std::unique_lock lock(mutex_);
            more_.wait(lock, [this] { return closing_ || !accepted_.empty(); });
            if (accepted_.empty()) return;
            job = std::move(accepted_.front());
            accepted_.pop_front();
        }
        job();
    }
}

} // namespace postseal::async
