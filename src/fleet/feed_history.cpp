// SPDX-License-Identifier: BSD-3-Clause
#include "fleet/feed_history.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <iterator>
#include <utility>

namespace postseal::fleet {

FeedHistory::FeedHistory(std::string_view text) {
    while (!text.empty()) {
        const auto end = std::min(text.find(' '), text.size());
        const std::string_view word = text.substr(0, end);
        text.remove_prefix(std::min(end + 1, text.size()));
        const auto colon = word.find(':');
        FeedVersion one;
        const std::string_view number = word.substr(0, colon);
        const auto [rest, fault] =
            std::from_chars(number.data(), number.data() + number.size(), one.version);
        if (fault != std::errc() || colon == std::string_view::npos) continue;
        one.token = word.substr(colon + 1);
        read_up_to(std::move(one));
    }
}

std::string FeedHistory::text() const {
    std::string text;
    for (const FeedVersion& one : versions_)
        text += fmt::format("{}{}:{}", text.empty() ? "" : " ", one.version, one.token);
    return text;
}

FeedVersion FeedHistory::latest() const {
    return versions_.empty() ? FeedVersion() : versions_.back();
}

void FeedHistory::read_up_to(FeedVersion version) {
    go_back_to({.version = version.version - 1, .token = {}});
    if (version.version > 0) versions_.push_back(std::move(version));
    if (versions_.size() <= max_kept) return;
    // Every second of the older half.
    std::vector<FeedVersion> kept;
    for (std::size_t i = 0; i < versions_.size(); i++)
        if (i >= max_kept / 2 || i % 2 == 0) kept.push_back(std::move(versions_[i]));
    versions_ = std::move(kept);
}

FeedVersion FeedHistory::common(const std::vector<FeedVersion>& there) const {
    const auto found = std::find_if(versions_.rbegin(), versions_.rend(), [&](const auto& one) {
        return !one.token.empty() && std::ranges::find(there, one) != there.end();
    });
    return found == versions_.rend() ? FeedVersion() : *found;
}

void FeedHistory::go_back_to(const FeedVersion& version) {
    while (!versions_.empty() && versions_.back().version > version.version)
        versions_.pop_back();
}

void FeedHistory::drop_up_to(std::int64_t version) {
    std::erase_if(versions_, [&](const FeedVersion& one) { return one.version <= version; });
}

void SharedKeys::note(std::int64_t version, RowToOffer row) {
    rows_.push_back({version, std::move(row)});
    if (rows_.size() <= max_kept) return;
    complete_from_ = std::max(complete_from_, rows_.front().version);
    rows_.pop_front();
}

std::optional<std::vector<RowToOffer>> SharedKeys::above(std::int64_t version) const {
    if (version < complete_from_) return std::nullopt;
    std::map<std::string, std::optional<WallTime>> rows;
    for (const Noted& noted : rows_) {
        if (noted.version <= version) continue;
        std::optional<WallTime>& forgotten_at = rows[noted.row.key];
        forgotten_at = std::max(forgotten_at, noted.row.forgotten_at);
    }
    std::vector<RowToOffer> above;
    above.reserve(rows.size());
    for (const auto& [key, forgotten_at] : rows)
        above.push_back({key, forgotten_at});
    return above;
}

void AheadOfFeed::note(std::int64_t version, RowToOffer row) {
    Noted& noted = rows_[std::move(row.key)];
    noted.version = std::max(noted.version, version);
    noted.forgotten_at = std::max(noted.forgotten_at, row.forgotten_at);
}

std::int64_t AheadOfFeed::latest() const {
    std::int64_t latest = 0;
    for (const auto& [key, noted] : rows_)
        latest = std::max(latest, noted.version);
    return latest;
}

std::vector<RowToOffer> AheadOfFeed::missed(const RowVersions& brought, std::int64_t upto) {
    std::vector<RowToOffer> missed;
    std::erase_if(rows_, [&](const auto& row) {
        const auto& [key, noted] = row;
        if (noted.version > upto) return false;
        const auto found = brought.find(key);
        if (found == brought.end() || found->second != noted.version)
            missed.push_back({key, noted.forgotten_at});
        return true;
    });
    return missed;
}

std::vector<RowToOffer> AheadOfFeed::take_all() {
    std::vector<RowToOffer> all;
    all.reserve(rows_.size());
    for (const auto& [key, noted] : rows_)
        all.push_back({key, noted.forgotten_at});
    rows_.clear();
    return all;
}

} // namespace postseal::fleet
