// SPDX-License-Identifier: BSD-3-Clause
#include "serve/protocols.h"

#include "serve/admin_server.h"
#include "serve/delegation_server.h"
#include "serve/http_server.h"
#include "serve/socketmap_server.h"
#include "serve/tcp_table_server.h"

namespace postseal::serve {

std::unique_ptr<Protocol> make_protocol(const config::Listen& listen,
                                        const Dependencies& dependencies) {
    engine::Handle& engine_handle = dependencies.engine_handle;
    Counters& counters = dependencies.counters;
    switch (listen.protocol) {
    case config::Protocol::socketmap:
        return std::make_unique<SocketmapServer>(engine_handle, counters, listen.maps);
    case config::Protocol::tcp_table:
        return std::make_unique<TcpTableServer>(engine_handle, counters, listen.maps.front());
    case config::Protocol::delegation:
        return std::make_unique<DelegationServer>(engine_handle, counters);
    case config::Protocol::http:
        return std::make_unique<HttpServer>(dependencies.engine, dependencies.daemon_status,
                                            listen.hosts);
    case config::Protocol::admin:
        break;
    }
    return std::make_unique<AdminServer>(dependencies.engine, dependencies.archive,
                                         dependencies.steering, dependencies.daemon_status);
}

bool served_by_all_threads(config::Protocol protocol) {
    return protocol == config::Protocol::socketmap || protocol == config::Protocol::tcp_table ||
           protocol == config::Protocol::delegation;
}

} // namespace postseal::serve
