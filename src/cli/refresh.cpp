// SPDX-License-Identifier: BSD-3-Clause
#include "cli/commands.h"
#include "cli/exit_status.h"
#include "cli/filter.h"
#include "cli/keys.h"
#include "cli/progress.h"
#include "cli/setup.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>

namespace postseal::cli {
namespace {

struct RefreshOptions {
    std::vector<std::string> keys;
    bool all = false;
    Filter filter;
};

// The outcome of one, written.
int refresh_one(const Common& common, const std::string& key, Progress& progress) {
    const auto reply = ask(common, {{"command", "refresh"}, {"key", key}});
    progress.clear();
    if (!reply) return fail(reply.error());
    Json found = *reply;
    found.erase("ok");
    if (common.json)
        fmt::print("{}\n", found.dump());
    else
        fmt::print("{}: {} (row {}){}\n  {}\n", found.value("key", ""), found.value("verdict", ""),
                   found.value("row", 0),
                   found.value("partial", false) ? ", the lookup goes on" : "",
                   found.value("reason", ""));
    std::fflush(stdout);
    return ExitStatus::found;
}

// Asks for one after another, and keeps the worst status.
class Round {
  public:
    explicit Round(const Common& common) : common_(common) {}

    // False: there is no use in going on.
    bool take(const std::string& key, std::size_t total) {
        progress_.at(done_, done_, total);
        done_++;
        const int status = refresh_one(common_, key, progress_);
        worst_ = std::max(worst_, status);
        return status != unreachable;
    }
    [[nodiscard]] std::size_t done() const { return done_; }
    [[nodiscard]] int worst() const { return worst_; }

  private:
    const Common& common_;
    Progress progress_{"refresh"};
    std::size_t done_ = 0;
    int worst_ = ExitStatus::found;
};

int refresh_all(const Common& common, const Filter& filter) {
    Round round(common);
    bool going = true;
    const auto listed = each_page(common, filter, Bodies::no, [&](const Json& page) {
        for (const Json& kept : page)
            going = going && round.take(kept.value("key", ""), 0);
    });
    if (!listed) return fail(listed.error());
    return round.done() > 0 ? round.worst() : no_policy;
}

int refresh(const Common& common, const RefreshOptions& options) {
    if (options.all != options.keys.empty())
        return fail(usage, "name destinations, or --all with a filter if you like");
    if (options.all) return refresh_all(common, options.filter);
    if (options.filter != Filter()) return fail(usage, "a filter goes with --all");
    const auto words = words_of(options.keys);
    if (!words) return fail(words.error());
    Round round(common);
    int worst = ExitStatus::found;
    for (const std::string& word : *words) {
        const auto key = named_key(word);
        if (!key)
            worst = fail(key.error()); // the others are refreshed all the same
        else if (!round.take(*key, words->size()))
            break;
    }
    return std::max(worst, round.worst());
}

} // namespace

Command refresh_command(Common& common) {
    const auto options = std::make_shared<RefreshOptions>();
    return {
        .name = "refresh",
        .summary = "look up destinations again and fetch their policies",
        .arguments = {{.name = "KEY",
                       .help = "destinations as Postfix asks: example.com, [mx.example.com]; - is "
                               "standard input",
                       .count = Argument::Count::any,
                       .target = &options->keys}},
        .options = joined(joined({{.letter = "a",
                                   .name = "all",
                                   .help = "all that the daemon has stored, one after another",
                                   .target = &options->all}},
                                 filter_options(options->filter)),
                          daemon_options(common)),
        .examples = {"postseal refresh example.com example.net",
                     "postseal refresh --all --failing"},
        .run = [&common, options] { return refresh(common, *options); }};
}

} // namespace postseal::cli
