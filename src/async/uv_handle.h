// async/uv_handle.h: ownership of a libuv handle
//
// uv_close() is asynchronous, so the memory must outlive its owner: the handle lives on the heap
// and its close callback frees it, in a later turn. Its data is null from then on. Private to
// async/.
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <uv.h>

#include <cstdlib>
#include <new>
#include <stdexcept>
#include <string>

namespace postseal::async {

// libuv's set-up calls fail for lack of memory or descriptors only, or by a bug of ours.
inline void check_uv(int rc, const char* what) {
    if (rc < 0) throw std::runtime_error(std::string(what) + ": " + uv_strerror(rc));
}

template <class H> class UvHandle {
  public:
    UvHandle() : h_(static_cast<H*>(std::calloc(1, sizeof(H)))) {
        if (h_ == nullptr) throw std::bad_alloc();
    }
    UvHandle(const UvHandle&) = delete;
    UvHandle& operator=(const UvHandle&) = delete;
    ~UvHandle() {
        h_->data = nullptr;
        if (h_->type == UV_UNKNOWN_HANDLE)
            std::free(h_);
        else
            uv_close(base(), [](uv_handle_t* h) { std::free(h); });
    }
    [[nodiscard]] H* get() const { return h_; }
    [[nodiscard]] uv_handle_t* base() const { return reinterpret_cast<uv_handle_t*>(h_); }
    H* operator->() const { return h_; }

  private:
    H* h_;
};

} // namespace postseal::async
