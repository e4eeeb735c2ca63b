// SPDX-License-Identifier: BSD-3-Clause
#include "cli/commands.h"
#include "cli/direct.h"
#include "cli/exit_status.h"
#include "cli/input.h"
#include "cli/lint_text.h"
#include "cli/setup.h"
#include "https/get.h"
#include "postseal/mtasts/policy.h"

#include <fmt/format.h>

#include <expected>
#include <filesystem>
#include <memory>
#include <optional>
#include <string_view>

namespace postseal::cli {
namespace {

void write_text(const Linted& linted) {
    if (linted.good)
        fmt::print("{}", linted.text);
    else
        fmt::print(stderr, "postseal: {}", linted.text);
}

int write(const Common& common, const Linted& linted) {
    if (common.json)
        fmt::print("{}\n", linted.json);
    else
        write_text(linted);
    return linted.good ? ExitStatus::found : bad_data;
}

constexpr std::string_view scheme = "https://";
constexpr std::string_view host_prefix = "mta-sts.";

std::string url_of(const Domain& domain) {
    return fmt::format("{}{}{}{}", scheme, host_prefix, domain.name(), https::policy_path);
}

// The domain whose policy `word` is the place of, as a URL or by its name; nothing: a file is
// meant. Errors: a URL where no sender looks.
std::expected<std::optional<Domain>, ClientError> domain_of(const std::string& word) {
    if (!word.contains("://")) {
        // "mta-sts.txt" would be a domain, too.
        if (word == "-" || word.contains('/') || word.ends_with(".txt") || !word.contains('.') ||
            std::filesystem::exists(word))
            return std::nullopt;
        auto domain = Domain::parse(word);
        if (!domain) return std::nullopt;
        return *std::move(domain);
    }
    const std::string_view url = word;
    const auto path = url.find('/', scheme.size());
    const bool fits = url.starts_with(scheme) && path != std::string_view::npos &&
                      url.substr(path) == https::policy_path &&
                      url.substr(scheme.size()).starts_with(host_prefix);
    const auto name = fits ? url.substr(scheme.size() + host_prefix.size(),
                                        path - scheme.size() - host_prefix.size())
                           : std::string_view();
    auto domain = Domain::parse(name);
    if (!fits || !domain)
        return std::unexpected(ClientError{
            usage, fmt::format("{} is not where a sender looks for a policy: that is {}{}DOMAIN{} "
                               "(RFC 8461 section 3.3)",
                               word, scheme, host_prefix, https::policy_path)});
    return *std::move(domain);
}

// Whether trying again later may help.
bool may_pass(const https::FetchError& error) {
    using enum https::FetchFault;
    return !error.no_host && (error.fault == dns || error.fault == connect ||
                              error.fault == timeout || error.fault == no_turn);
}

int write_fetched(const Common& common, const Domain& domain, const https::FetchResult& fetched) {
    const std::string url = url_of(domain);
    if (fetched) return write(common, lint_policy(fetched->body, url, fetched->note));
    const https::FetchError& error = fetched.error();
    if (error.fault == https::FetchFault::policy)
        return write(common, lint_policy(error.body, url));
    write(common, lint_fetch(url, https::to_string(error.fault), error.reason));
    return may_pass(error) ? temporary : bad_data;
}

// The policy as the daemon would have it: its resolver, its guards, its trust store.
int policy_of_domain(const Common& common, const Domain& domain) {
    const auto config = load_config(common);
    if (!config) return fail(config.error());
    auto direct = Direct::open(*config);
    if (!direct) return fail(bad_config, direct.error());
    const dns::TxtResult record = direct->record(domain);
    const int status = write_fetched(common, domain, direct->fetch_policy(domain));
    if (record.state == verdict::RecordState::found) {
        if (!record.reason.empty())
            fmt::print(stderr, "postseal: _mta-sts.{} has {}\n", domain.name(), record.reason);
        return status;
    }
    fmt::print(stderr,
               "postseal: no sender asks for this policy: the TXT record _mta-sts.{} is {}{}{}\n",
               domain.name(), verdict::to_string(record.state), record.reason.empty() ? "" : ": ",
               record.reason);
    return status != ExitStatus::found                    ? status
           : record.state == verdict::RecordState::failed ? temporary
                                                          : bad_data;
}

int policy(const Common& common, const std::string& word) {
    const auto found = domain_of(word);
    if (!found) return fail(found.error());
    const std::optional<Domain>& domain = *found;
    if (domain) return policy_of_domain(common, *domain);
    const auto text = read_input(word, mtasts::max_policy_size + 1);
    if (!text) return fail(usage, text.error());
    return write(common, lint_policy(*text, word == "-" ? "standard input" : word));
}

} // namespace

Command lint_command(Common& common) {
    const auto word = std::make_shared<std::string>();
    return {
        .name = "lint",
        .summary = "check an MTA-STS record or policy file, and show what it means",
        .examples = {"postseal lint policy mta-sts.txt"},
        .footer = "Exit status: 0 it is valid, 64 usage, 65 it has a fault, 75 it could not be "
                  "fetched now, 78 configuration error.",
        .commands = {
            {.name = "record",
             .summary = "check the TXT record of _mta-sts.DOMAIN",
             .arguments = {{.name = "TEXT",
                            .help = "the whole record, in quotes for the shell",
                            .target = word.get()}},
             .options = {json_option(common)},
             .examples = {"postseal lint record 'v=STSv1; id=20260131;'"},
             .run = [&common, word] { return write(common, lint_record(*word)); }},
            {.name = "policy",
             .summary = "check a policy file, mta-sts.txt",
             .arguments = {{.name = "POLICY",
                            .help = "a file, - for standard input, or the DOMAIN or URL to fetch "
                                    "it from as the daemon would",
                            .target = word.get(),
                            .values = {Values::Kind::file, {}}}},
             .options = config_options(common),
             .examples = {"postseal lint policy mta-sts.txt", "postseal lint policy example.com",
                          "postseal lint policy "
                          "https://mta-sts.example.com/.well-known/mta-sts.txt"},
             .run = [&common, word] { return policy(common, *word); }},
        }};
}

} // namespace postseal::cli
