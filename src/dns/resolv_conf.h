// dns/resolv_conf.h: the word "resolv.conf" in dns.forward: the name servers of the system
//
// They are those of /etc/resolv.conf, at most three, as resolv.conf(5) says. What is not an IP
// address there is passed over. The C library would ask 127.0.0.1 if the file is missing or names
// none; here that is an error, one sentence.
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <expected>
#include <string>
#include <string_view>
#include <vector>

namespace postseal::dns {

inline constexpr std::string_view resolv_conf_word = "resolv.conf";
inline constexpr std::string_view resolv_conf_path = "/etc/resolv.conf";

[[nodiscard]] bool names_resolv_conf(const std::vector<std::string>& forward);

// `forward` with the name servers of the file in the place of the word.
[[nodiscard]] std::expected<std::vector<std::string>, std::string>
forward_servers(const std::vector<std::string>& forward,
                const std::string& path = std::string(resolv_conf_path));

} // namespace postseal::dns
