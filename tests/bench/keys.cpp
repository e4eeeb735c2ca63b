// SPDX-License-Identifier: BSD-3-Clause
#include "bench/keys.h"

#include "bench/endpoint.h"

#include <algorithm>
#include <fstream>
#include <numeric>
#include <random>

namespace postseal::bench {

std::vector<Key> read_keys(const std::string& file, const std::string& map) {
    std::ifstream in(file);
    if (!in) die_of(file);
    std::vector<Key> keys;
    for (std::string line; std::getline(in, line);) {
        if (line.empty()) continue;
        Key& key = keys.emplace_back();
        const std::size_t tab = line.find('\t');
        key.key = line.substr(0, tab);
        if (tab != std::string::npos) key.expected = line.substr(tab + 1);
        const std::string query = map + ' ' + key.key;
        key.request = fmt::format("{}:{},", query.size(), query);
    }
    if (keys.empty()) die("{}: no keys", file);
    return keys;
}

Order Order::in_turn(std::size_t keys) {
    Order order;
    order.picks_.resize(keys);
    std::iota(order.picks_.begin(), order.picks_.end(), 0U);
    return order;
}

Order Order::zipf(std::size_t keys, std::uint64_t seed) {
    std::vector<double> sums(keys);
    double sum = 0;
    for (std::size_t n = 0; n < keys; n++)
        sums[n] = sum += 1 / static_cast<double>(n + 1);
    std::mt19937_64 random(seed);
    std::uniform_real_distribution<double> any(0, sum);
    Order order;
    order.picks_.resize(std::size_t{1} << 18U);
    for (std::uint32_t& pick : order.picks_) {
        const auto found = std::ranges::lower_bound(sums, any(random));
        pick = static_cast<std::uint32_t>(
            std::min<std::ptrdiff_t>(found - sums.begin(), static_cast<std::ptrdiff_t>(keys) - 1));
    }
    return order;
}

} // namespace postseal::bench
