// SPDX-License-Identifier: BSD-3-Clause
#include "service/sockets.h"

#include <utility>

namespace postseal::service {
namespace {

std::string admin_socket(const config::Config& config) {
    for (const config::Listen& listen : config.listen)
        if (listen.protocol == config::Protocol::admin) return listen.address.path;
    return std::string(config::default_admin_socket);
}

} // namespace

std::expected<Sockets, std::string> listening_sockets(bool take_over, const config::Config& config,
                                                      Systemd& systemd) {
    Sockets sockets;
    serve::Inherited passed = systemd.passed(sockets.complaints);
    if (take_over) {
        auto found = Predecessor::find(admin_socket(config), config.user);
        if (!found) return std::unexpected(std::move(found.error()));
        sockets.predecessor = *std::move(found);
    }
    serve::Inherited& inherited = sockets.predecessor ? sockets.predecessor->listeners() : passed;
    auto bound = serve::bind_all(config.listen, inherited);
    if (!bound) return std::unexpected(std::move(bound.error()));
    sockets.bound = *std::move(bound);
    for (const std::string& address : inherited.addresses()) {
        sockets.complaints.push_back("no [[listen]] names " + address);
        systemd.forget(address);
    }
    return sockets;
}

} // namespace postseal::service
