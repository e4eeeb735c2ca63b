// SPDX-License-Identifier: BSD-3-Clause
//
// Any octets as a file to import: JSON lines, or the SQLite cache of postfix-mta-sts-resolver.
#include "cli/import_entries.h"
#include "engine/import.h"
#include "postseal/mtasts/policy.h"
#include "serve/kept_json.h"

#include "fuzz/check.h"

#include <sys/mman.h>
#include <unistd.h>

#include <array>
#include <string>

namespace {

using namespace postseal;
using fuzz::check;

const WallTime now = parse_until("2026-01-31T12:00:00Z").value();

// A file in memory: its name is a path like any other.
class File {
  public:
    File() : fd_(::memfd_create("import", MFD_CLOEXEC)) { check(fd_ >= 0); }
    void write(std::string_view text) const {
        check(::ftruncate(fd_, 0) == 0);
        check(::pwrite(fd_, text.data(), text.size(), 0) == static_cast<ssize_t>(text.size()));
    }
    [[nodiscard]] std::string path() const { return "/proc/self/fd/" + std::to_string(fd_); }

  private:
    int fd_;
};

void check_memory(const engine::Memory& memory) {
    check(Nexthop::parse(memory.nexthop.key()).has_value());
    check(memory.row.nexthop == memory.nexthop.key());
    check(memory.fetched_at <= now);
    for (const std::optional<WallTime> time :
         {memory.row.dane_seen_at, memory.row.seen_at, memory.row.verdict_since})
        check(time <= now);
    check(memory.body.empty() || mtasts::parse_policy(memory.body).has_value());
    check(fuzz::is_printable(memory.id) && fuzz::is_printable(memory.row.verdict));
}

// What is taken is held as it was, and taking it once more changes nothing.
void check_taken(const engine::Memory& memory) {
    const engine::Merged merged = engine::merge(memory, {}, {.now = now, .boot = {}});
    const store::Loaded held{.sts = merged.sts, .nexthop = merged.nexthop};
    if (merged.sts) {
        check(merged.sts->body == memory.body && merged.sts->expires_at > now);
        check(merged.sts->domain == memory.nexthop.domain);
    }
    check(engine::merge(memory, held, {.now = now, .boot = {}}).outcome != engine::Import::taken);
    if (!merged.nexthop) return;
    const auto json = serve::kept_json({.nexthop = *merged.nexthop, .sts = merged.sts}, "", now,
                                       serve::Bodies::yes);
    const auto again = serve::memory_of_kept(json, now);
    check(again.has_value() && again->nexthop.key() == memory.nexthop.key());
    check(!merged.sts || again->body == memory.body);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const File file;
    file.write(fuzz::as_text(data, size));
    const auto take = [](const cli::Entry& entry, std::size_t, std::size_t) {
        check(!entry.place.empty() && fuzz::is_printable(entry.place));
        if (!entry.fault.empty()) return true;
        const auto memory = serve::memory_of_kept(entry.kept, now);
        if (memory) {
            check_memory(*memory);
            check_taken(*memory);
        } else {
            check(!memory.error().empty() && fuzz::is_printable(memory.error()));
        }
        return true;
    };
    const auto done = cli::each_entry(file.path(), take);
    check(done.has_value() || !done.error().text.empty());
    return 0;
}
