// service/field.h: a daemon's parts that can change, with a configuration that a test edits
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "serve/engine_behind.h"
#include "serve/folder.h"
#include "serve/socketmap_server.h"
#include "service/part_options.h"
#include "service/reload.h"
#include "tls/certificates.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <expected>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

namespace postseal::test {

struct Reloadable : EngineBehind {
    Reloadable() {
        listeners.speak([this](const config::Listen& listen, serve::Station& at) {
            return std::make_unique<serve::SocketmapServer>(engine_handle, at.counters(),
                                                            listen.maps);
        });
    }
    [[nodiscard]] std::string path(const std::string& name) const { return folder.path / name; }
    void write_file(const std::string& name, const std::string& text) const {
        std::ofstream(path(name)) << text;
    }
    [[nodiscard]] config::Config read(const std::string& more = {}) const {
        return config::parse(fmt::format(R"(
[[listen]]
address = "unix:{0}/a"
[verdict]
overrides = "{0}/overrides"
[https]
ca_file = "{0}/ca.pem"
{1}
)",
                                         folder.path.string(), more),
                             "f")
            .value();
    }
    service::Reload::File file() {
        return {.load = [this]() -> std::expected<config::Config, std::string> {
                    if (!fault.empty()) return std::unexpected(fault);
                    return next;
                },
                .all_errors = [this] { return all_errors; }};
    }
    [[nodiscard]] bool listens(const std::string& name) const {
        return std::filesystem::exists(path(name));
    }

    [[nodiscard]] config::Config first_of_all() const {
        write_file("ca.pem", tls::Authority("an authority").pem());
        write_file("overrides", "");
        return read();
    }

    Folder folder;
    config::Config first = first_of_all();
    config::Config next = first;
    std::string fault;
    std::vector<config::Error> all_errors;
    std::unique_ptr<engine::OwnDns> own_dns =
        engine::OwnDns::open(loop, service::unbound_options(first.dns), clock, log).value();
    https::Replaceable policies{std::make_shared<FakeFetcher>(loop)};
    engine::Refresh refresh{engine, {}};
    serve::Listeners listeners{{&station}, log, shared, nullptr};
    service::Reload reload{{.loop = loop,
                            .log = log,
                            .own_dns = *own_dns,
                            .fetcher = policies,
                            .engine = engine,
                            .refresh = refresh,
                            .shared = shared,
                            .listeners = listeners},
                           file(),
                           first,
                           {}};
};

} // namespace postseal::test
