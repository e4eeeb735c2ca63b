// serve/admin_memory.h: the admin commands about what is kept of destinations
//
//   {"command":"show","key":"example.com"}
//   {"ok":true,"show":KEPT}                                    null: nothing is
//   {"command":"list","after":"","most":500,"class":"enforce","mode":"testing","failing":true,
//    "expiring_s":86400,"pattern":"*.example","bodies":true}
//                                                              all but the command may be left out;
//                                                              pattern: of keys, by fnmatch(3)
//   {"ok":true,"list":[KEPT,...],"next":"KEY"}                 next: to go on after; null: the end.
//                                                              At most some 256 KiB at a time
//   {"command":"history","key":"example.com","most":100,"since":"2026-01-31T12:00:00Z"}
//                                                              without key: of all
//   {"ok":true,"history":[{"key","at","kind","before","after","row","reasons"},...]}
//                                                              the newest first, some 256 KiB at
//                                                              most
//   {"command":"refresh","key":"example.com"}
//   {"ok":true,"key","verdict","row","reason"}
//   {"command":"forget","key":"example.com"}
//   {"ok":true,"forgotten":true}                               false: nothing was known
//   {"command":"import","entries":[KEPT,...],"dry_run":true}    see engine/import.h
//   {"ok":true,"results":[{"outcome"},...]}                    taken, held or expired; or rejected,
//                                                              with a "reason"; all is written then
// KEPT: see serve/kept_json.h; show and list add "findings":[{"code","text","fix","since"}] (see
// engine/findings.h) and "outdated", whether the verdict is not by the overrides as they are now;
// import ignores both. "class" leaves out what is outdated. Times are RFC 3339 in UTC.
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "async/task.h"
#include "engine/engine.h"
#include "store/archive.h"
#include "json/json.h"

#include <nlohmann/json.hpp>

#include <expected>
#include <string>

namespace postseal::serve {

class AdminMemory {
  public:
    // The members of a reply that is ok; or why the request is none.
    using Result = std::expected<Json, std::string>;

    AdminMemory(engine::Engine& engine, store::Archive& archive)
        : engine_(engine), archive_(archive) {}

    async::Task<Result> show(Json request);
    async::Task<Result> list(Json request);
    async::Task<Result> history(Json request);
    async::Task<Result> refresh(Json request);
    async::Task<Result> forget(Json request);
    async::Task<Result> import(Json request);

  private:
    engine::Engine& engine_;
    store::Archive& archive_;
};

} // namespace postseal::serve
