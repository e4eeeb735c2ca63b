// SPDX-License-Identifier: BSD-3-Clause
#include "cli/commands.h"
#include "cli/exit_status.h"
#include "cli/import_entries.h"
#include "cli/progress.h"
#include "cli/setup.h"
#include "json/json.h"

#include <fmt/format.h>

#include <map>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

namespace postseal::cli {
namespace {

// Of one request; the daemon takes 1,000 entries and 256 KiB.
constexpr std::size_t max_entries = 100;
constexpr std::size_t max_octets = 60'000;
constexpr std::size_t longest_entry = 200'000;

struct ImportOptions {
    std::string file;
    bool dry_run = false;
};

std::string start_it_first(const std::string& text) {
    return text.substr(0, text.find("; ")) +
           "; import needs the running daemon: start postseald first";
}

// Hands entries to the daemon, many at a time, and counts what becomes of them.
class Importer {
  public:
    Importer(const Common& common, const ImportOptions& options)
        : common_(common), options_(options) {}

    // False: the daemon does not take them.
    bool take(Entry entry, std::size_t read, std::size_t total) {
        progress_.at(seen_++, read, total);
        if (!entry.fault.empty()) {
            reject(entry.place, entry.fault);
            return true;
        }
        const std::size_t size = dumped(entry.kept).size();
        if (size > longest_entry) {
            reject(entry.place, "longer than any policy");
            return true;
        }
        if (places_.size() == max_entries || octets_ + size > max_octets)
            if (!send()) return false;
        octets_ += size;
        places_.push_back(std::move(entry.place));
        entries_.push_back(std::move(entry.kept));
        return true;
    }

    bool send() {
        if (places_.empty()) return true;
        const auto reply = ask(common_, {{"command", "import"},
                                         {"entries", std::exchange(entries_, Json::array())},
                                         {"dry_run", options_.dry_run}});
        const std::vector<std::string> places = std::exchange(places_, {});
        octets_ = 0;
        if (!reply) {
            error_ = reply.error();
            return false;
        }
        const Json results = reply->value("results", Json::array());
        for (std::size_t i = 0; i < results.size() && i < places.size(); i++) {
            const std::string outcome = results[i].value("outcome", "");
            if (outcome == "rejected")
                reject(places[i], results[i].value("reason", ""));
            else
                counts_[outcome]++;
        }
        return true;
    }

    int finish() {
        progress_.clear();
        if (error_) return broken_off(*error_);
        const auto taken = counts_["taken"];
        const auto held = counts_["held"];
        const auto expired = counts_["expired"];
        if (common_.json)
            fmt::print("{}\n", Json{{"taken", taken},
                                    {"held", held},
                                    {"expired", expired},
                                    {"rejected", rejected_},
                                    {"dry_run", options_.dry_run}}
                                   .dump());
        else
            fmt::print("{}{} taken, {} already held, {} expired, {} rejected\n",
                       options_.dry_run ? "dry run: " : "", taken, held, expired, rejected_);
        return rejected_ > 0 ? bad_data : ExitStatus::found;
    }

  private:
    void reject(const std::string& place, const std::string& reason) {
        progress_.clear();
        fail(bad_data, fmt::format("{}: {}", place, reason));
        rejected_++;
    }

    int broken_off(const ClientError& error) {
        std::string text = error.status == unreachable ? start_it_first(error.text) : error.text;
        if (const auto taken = counts_["taken"]; taken > 0)
            text += fmt::format(" ({} were taken; import again, they are left as they are)", taken);
        return fail(error.status, text);
    }

    const Common& common_;
    const ImportOptions& options_;
    Progress progress_{"import"};
    Json entries_ = Json::array();
    std::vector<std::string> places_; // of the entries
    std::size_t seen_ = 0;
    std::size_t octets_ = 0;                    // of the entries
    std::map<std::string, std::size_t> counts_; // by outcome
    std::size_t rejected_ = 0;
    std::optional<ClientError> error_;
};

int import(const Common& common, const ImportOptions& options) {
    // Whatever the file is like: without a daemon nothing is taken.
    if (const auto there = ask(common, {{"command", "status"}}); !there)
        return fail(there.error().status, there.error().status == unreachable
                                              ? start_it_first(there.error().text)
                                              : there.error().text);
    Importer importer(common, options);
    const auto read =
        each_entry(options.file, [&](Entry entry, std::size_t done, std::size_t total) {
            return importer.take(std::move(entry), done, total);
        });
    if (!read) return fail(read.error());
    importer.send();
    return importer.finish();
}

} // namespace

Command import_command(Common& common) {
    const auto options = std::make_shared<ImportOptions>();
    return {.name = "import",
            .summary = "import an export, or postfix-mta-sts-resolver's cache, into the daemon",
            .arguments = {{.name = "FILE",
                           .help = "JSON lines of \"export --json\", or the SQLite cache; - is "
                                   "standard input",
                           .target = &options->file,
                           .values = {Values::Kind::file, {}}}},
            .options = joined({{.name = "dry-run",
                                .help = "only report what would be imported",
                                .target = &options->dry_run}},
                              daemon_options(common)),
            .examples = {"postseal import --dry-run /var/lib/mta-sts/cache.db",
                         "postseal import postseal.jsonl"},
            .footer =
                "Exit status: 0 all that can be used was taken, 64 usage, or not allowed to you, "
                "65 something was rejected, 69 daemon not reachable.",
            .run = [&common, options] { return import(common, *options); }};
}

} // namespace postseal::cli
