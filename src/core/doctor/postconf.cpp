// SPDX-License-Identifier: BSD-3-Clause
#include "postseal/doctor/postconf.h"

#include "postseal/base/text.h"

#include <fmt/format.h>

#include <charconv>
#include <optional>

namespace postseal::doctor {
namespace {

template <class F> void each_line(std::string_view text, F f) {
    while (!text.empty()) {
        const auto end = text.find('\n');
        f(text.substr(0, end));
        text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    }
}

struct Setting {
    std::string_view name;
    std::string_view value;
};

std::optional<Setting> setting(std::string_view line) {
    const auto sign = line.find('=');
    if (sign == std::string_view::npos) return std::nullopt;
    return Setting{trim(line.substr(0, sign)), trim(line.substr(sign + 1))};
}

Parameters parameters(std::string_view text) {
    Parameters out;
    each_line(text, [&out](std::string_view line) {
        if (const auto found = setting(line))
            out.insert_or_assign(std::string(found->name), std::string(found->value));
    });
    return out;
}

std::vector<std::string_view> words(std::string_view line) {
    std::vector<std::string_view> out;
    while (!(line = trim(line)).empty()) {
        const auto end = line.find_first_of(" \t");
        out.push_back(line.substr(0, end));
        line.remove_prefix(out.back().size());
    }
    return out;
}

// master(5): service type private unpriv chroot wakeup maxproc command; "-" is the default.
std::optional<Client> client(std::string_view line, bool chroot_is_default) {
    const auto fields = words(line);
    if (fields.size() < 8 || fields[1] != "unix" || fields[7] != "smtp") return std::nullopt;
    return Client{.service = fmt::format("{}/{}", fields[0], fields[1]),
                  .chrooted = fields[4] == "y" || (fields[4] == "-" && chroot_is_default),
                  .privileged = fields[3] == "n",
                  .overrides = {}};
}

// "smtp/unix/smtp_tls_security_level = dane"
void add_option(std::string_view line, std::vector<Client>& clients) {
    const auto found = setting(line);
    if (!found) return;
    const auto slash = found->name.rfind('/');
    if (slash == std::string_view::npos) return;
    for (Client& to : clients)
        if (to.service == found->name.substr(0, slash))
            to.overrides.insert_or_assign(std::string(found->name.substr(slash + 1)),
                                          std::string(found->value));
}

int number(std::string_view& text) {
    int value = 0;
    const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), value);
    text.remove_prefix(static_cast<std::size_t>(end - text.data()));
    if (text.starts_with('.')) text.remove_prefix(1);
    return value;
}

} // namespace

std::string Version::text() const { return fmt::format("{}.{}.{}", major, minor, patch); }

Version parse_version(std::string_view text) {
    Version version;
    for (int* part : {&version.major, &version.minor, &version.patch})
        *part = text.starts_with('-') ? 0 : number(text);
    return version;
}

std::string_view Postconf::value(const Client& client, std::string_view name) const {
    const auto own = client.overrides.find(name);
    return own != client.overrides.end() ? std::string_view(own->second) : value(name);
}

std::string_view Postconf::value(std::string_view name) const {
    const auto found = parameters.find(name);
    return found != parameters.end() ? std::string_view(found->second) : std::string_view();
}

// The two parameters of Postfix 2.2 count where there is no level (postconf(5)).
std::string level_of(const Postconf& postconf, const Client& client) {
    if (const auto level = postconf.value(client, "smtp_tls_security_level"); !level.empty())
        return std::string(level);
    if (postconf.value(client, "smtp_enforce_tls") == "yes") return "encrypt";
    return postconf.value(client, "smtp_use_tls") == "yes" ? "may" : "none";
}

std::string insecure_mx_policy(const Postconf& postconf, const Client& client) {
    constexpr std::string_view name = "smtp_tls_dane_insecure_mx_policy";
    constexpr std::string_view level = "smtp_tls_security_level";
    const bool inherits = !client.overrides.contains(name) && !postconf.named.contains(name);
    const auto preset = postconf.defaults.find(name);
    const bool by_level = preset != postconf.defaults.end() && preset->second.contains(level);
    if (inherits && by_level && client.overrides.contains(level))
        return level_of(postconf, client) == "dane" ? "dane" : "may";
    return std::string(postconf.value(client, name));
}

std::expected<Postconf, std::string> parse_postconf(const PostconfTexts& texts) {
    Postconf out{.version = {},
                 .parameters = parameters(texts.expanded),
                 .named = parameters(texts.named),
                 .defaults = parameters(texts.defaults),
                 .clients = {}};
    out.version = parse_version(out.value("mail_version"));
    if (out.version.major == 0)
        return std::unexpected("what it writes has no mail_version: it is not postconf");
    // Postfix 3.0 has made "n" the default, for compatibility levels from 1 on.
    const bool chrooted = parse_version(out.value("compatibility_level")).major == 0;
    each_line(texts.services, [&](std::string_view line) {
        if (auto found = client(line, chrooted)) out.clients.push_back(*std::move(found));
    });
    if (out.clients.empty()) out.clients.emplace_back().chrooted = chrooted;
    each_line(texts.options, [&](std::string_view line) { add_option(line, out.clients); });
    return out;
}

} // namespace postseal::doctor
